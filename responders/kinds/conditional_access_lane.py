"""The lane of conditional access: policies and all that they lean on are judged together, one object at a time."""

from shared.model.kinds import Image
from shared.model.objects import ObjectId


def lane(of: ObjectId, _id: str, _image: Image | None) -> str:
    """Name the lane of a tenant's policies, named locations, authentication strengths and contexts.

    Two hosts that each do what is safe alone, one to a policy and one to a location, could keep an emergency account
    out together.
    """
    return f"ca|{of.tenant_id}"
