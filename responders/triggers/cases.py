"""Queue: answer one case, or reconcile one object."""

import azure.functions as func
import msgspec

from responders.app import runtime
from shared.clients.storage_names import CASES_QUEUE
from shared.respond.messages import CaseMessage, Message, ObjectMessage

cases = func.Blueprint()


@cases.function_name("answer_case")
@cases.queue_trigger(arg_name="message", queue_name=CASES_QUEUE, connection="AzureWebJobsStorage")
def answer_case(message: func.QueueMessage) -> None:
    """Answer the case that a message names, or reconcile the object."""
    from shared.respond.pipeline import answer  # noqa: PLC0415 - start-up is a feature
    from shared.respond.reconcile import reconcile  # noqa: PLC0415 - the same

    asked: CaseMessage | ObjectMessage = msgspec.json.decode(message.get_body(), type=Message)
    if isinstance(asked, CaseMessage):
        answer(runtime(), asked.tenant_id, asked.case_id)
        return
    reconcile(runtime(), asked.id, tenants_id=asked.tenants_id, looks=asked.looks)
