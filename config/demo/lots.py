"""What was drawn at random in the show, checked as anybody will: by the secret of its version."""

from ground.mongodb.collections import collection
from lovense.deciding import revealing
from lovense.models import Activation


def differences(tip_id: str) -> list[str]:
    """None is the only success."""
    row = collection(Activation).find_one({"_id": f"{tip_id}.all"}, {"drawn_by": 1}) or {}
    key = row.get("drawn_by")
    if not key:
        return [f"{tip_id}: nothing was drawn for it."]
    version = revealing.sealed(key)
    if not version.is_kept:
        return [f"{key}: the secret is not the one of the commitment."]
    found = {each.tip: each for each in revealing.all_checked(version)}
    if tip_id not in found:
        return [f"{tip_id}: it is none of the draws of {key}."]
    draw = found[tip_id]
    return [] if draw.is_right else [f"{tip_id}: it got {draw.kept}, should be {draw.expected}."]
