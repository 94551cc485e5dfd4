// Whether a key is meant for a field.

const FIELDS = "input:not([type=checkbox], [type=radio], [type=submit], [type=button]), textarea, select, [contenteditable], [role=application]";

export function isTyping(target) {
  return target instanceof Element && target.closest(FIELDS) !== null;
}

/** A key of an input method, which may be an Escape, too. */
export function isComposing(event) {
  return event.isComposing || event.keyCode === 229;
}
