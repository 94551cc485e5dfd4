"""REST framework on ObjectId keys: serializers, relations, pages, tokens and the schema."""

import pytest
from bson import ObjectId
from django.contrib.auth.models import Group, User
from drf_spectacular.generators import SchemaGenerator
from rest_framework import routers, serializers, viewsets
from rest_framework.test import APIClient

from lovense.models import Performer
from tests import factories

pytestmark = pytest.mark.django_db


class UserSerializer(serializers.ModelSerializer):
    class Meta:
        model = User
        fields = ["id", "username", "groups"]


class PerformerSerializer(serializers.ModelSerializer):
    class Meta:
        model = Performer
        fields = ["performer_id", "user", "display_name"]


class Users(viewsets.ModelViewSet):
    queryset = User.objects.order_by("username")
    serializer_class = UserSerializer


router = routers.SimpleRouter(trailing_slash=False)
router.register("users", Users)
urlpatterns = router.urls


@pytest.fixture
def api(dina, settings):
    settings.ROOT_URLCONF = __name__
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Token {factories.token_of(dina)}")
    return client


def test_a_key_is_written_as_hex_and_read_back(api, ana):
    group = Group.objects.create(name="performers")
    ana.user.groups.add(group)
    expected = {"id": str(ana.user.pk), "username": "ana", "groups": [str(group.pk)]}
    assert api.get(f"/users/{ana.user.pk}").json() == expected
    assert expected in api.get("/users").json()


def test_a_relation_is_accepted_as_hex(api, ana):
    group = Group.objects.create(name="performers")
    made = api.post("/users", {"username": "eva", "groups": [str(group.pk)]}, format="json")
    assert made.status_code == 201
    assert User.objects.get(pk=made.json()["id"]).groups.get() == group


@pytest.mark.parametrize("wrong", ["", "abc", 7, None, "z" * 24, ["507f191e810c19729de860eb"], {"$ne": 1}])
def test_a_wrong_key_is_an_error_of_its_field(api, wrong):
    answer = api.post("/users", {"username": "eva", "groups": [wrong]}, format="json")
    assert answer.status_code == 400
    assert list(answer.json()["error"]["details"]) == ["groups"]


def test_an_unknown_key_is_an_error_of_its_field(api):
    answer = api.post("/users", {"username": "eva", "groups": [str(ObjectId())]}, format="json")
    assert answer.status_code == 400


@pytest.mark.parametrize("key", ["abc", "6b00637774696abb13b9d8a3", "507f191e810c19729de860zz"])
def test_a_key_that_is_not_there_is_not_found(api, key):
    assert api.get(f"/users/{key}").status_code == 404


def test_a_one_to_one_relation_and_a_natural_key_work(ana):
    assert PerformerSerializer(ana).data == {
        "performer_id": ana.pk,
        "user": str(ana.user.pk),
        "display_name": "Ana",
    }
    taken = PerformerSerializer(
        data={"performer_id": "a" * 24, "user": str(ana.user.pk), "display_name": "Eva"}
    )
    assert not taken.is_valid()
    assert list(taken.errors) == ["user"]


def test_the_schema_says_what_a_key_looks_like(api):
    schema = SchemaGenerator(patterns=urlpatterns).get_schema(request=None, public=True)
    key = {"type": "string", "pattern": "^[0-9a-f]{24}$"}
    properties = schema["components"]["schemas"]["User"]["properties"]
    assert key.items() <= properties["id"].items()
    assert key.items() <= properties["groups"]["items"].items()
