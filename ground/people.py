"""Who may look and who may decide: staff, and staff with the permission to change requests. No view
lives here."""

from typing import Any

from django.contrib.auth.models import User
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView


class IsStaff(BasePermission):
    """Of whatever role: it only looks."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        return isinstance(request.user, User) and request.user.is_staff


DECIDES = "tips.change_queuerequest"  # Django's permission


class MayDecide(BasePermission):
    """Staff may look; who may change requests may decide about them."""

    def has_permission(self, request: Request, view: Any) -> bool:
        user = request.user
        if not (isinstance(user, User) and user.is_staff):
            return False
        return request.method in SAFE_METHODS or user.has_perm(DECIDES)
