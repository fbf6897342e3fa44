"""What the messages of queue `cases` ask for: that a case is answered, or a guarded object reconciled."""

from msgspec import Struct

from shared.model.objects import ObjectId
from shared.objects.due import Look


class CaseMessage(Struct, frozen=True, kw_only=True, tag_field="about", tag="case"):
    """Asks for a case to be answered."""

    tenant_id: str
    case_id: str


class ObjectMessage(Struct, frozen=True, kw_only=True, tag_field="about", tag="object"):
    """Asks for an object to be reconciled; `tenants_id` is the tenant's id of it.

    `looks` are the notes that it is due, which are done with once this is answered.
    """

    id: ObjectId
    tenants_id: str
    looks: tuple[Look, ...] = ()


type Message = CaseMessage | ObjectMessage
