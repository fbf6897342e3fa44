"""Queue: answer one case."""

import azure.functions as func
import msgspec
from msgspec import Struct

from responders.app import runtime
from shared.clients.storage_names import CASES_QUEUE
from shared.respond.pipeline import answer

cases = func.Blueprint()


class CaseMessage(Struct, frozen=True):
    """What a message of the queue says."""

    tenant_id: str
    case_id: str


@cases.function_name("answer_case")
@cases.queue_trigger(arg_name="message", queue_name=CASES_QUEUE, connection="AzureWebJobsStorage")
def answer_case(message: func.QueueMessage) -> None:
    """Answer the case that a message names."""
    asked = msgspec.json.decode(message.get_body(), type=CaseMessage)
    answer(runtime(), asked.tenant_id, asked.case_id)
