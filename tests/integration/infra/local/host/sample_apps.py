"""Function apps the tests run; `/api/seen/NAME` gives what their functions noted."""

SEEN = """
    import json
    import logging
    import os
    import time
    import typing
    from collections import defaultdict

    import azure.functions as func

    app = func.FunctionApp()
    seen = defaultdict(list)

    @app.route(route="seen/{name}", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
    def give_seen(req: func.HttpRequest) -> func.HttpResponse:
        noted = list(seen[req.route_params["name"]])
        return func.HttpResponse(json.dumps(noted), mimetype="application/json")
"""

EVERYTHING = (
    SEEN
    + """
    @app.timer_trigger(arg_name="timer", schedule="%EVERY_SECOND%")
    def tick(timer: func.TimerRequest) -> None:
        seen["tick"].append([time.time(), timer.past_due, timer.schedule_status])

    @app.timer_trigger(arg_name="timer", schedule="* * * * * *")
    def slow(timer: func.TimerRequest) -> None:
        began = time.time()
        time.sleep(1.3)
        seen["slow"].append([began, time.time()])

    @app.timer_trigger(arg_name="timer", schedule="0 0 * * * *", run_on_startup=True, use_monitor=False)
    async def at_start(timer: func.TimerRequest) -> None:
        seen["at_start"].append(timer.past_due)

    @app.timer_trigger(arg_name="timer", schedule="12:00:00", run_on_startup=True, use_monitor=False)
    @app.retry(strategy="fixed_delay", max_retry_count="2", delay_interval="00:00:00")
    def failing(timer: func.TimerRequest, context: func.Context) -> None:
        seen["failing"].append([context.retry_context.retry_count, context.retry_context.max_retry_count])
        raise ValueError("this always fails")

    @app.timer_trigger(arg_name="timer", schedule="0 0 * * * *")
    def missed(timer: func.TimerRequest) -> None:
        seen["missed"].append([timer.past_due, timer.schedule_status])

    @app.queue_trigger(arg_name="message", queue_name="work", connection="AzureWebJobsStorage")
    @app.queue_output(arg_name="out", queue_name="done", connection="STORE")
    def work(message: func.QueueMessage, out: func.Out[typing.List[str]]) -> None:
        times = [instant.isoformat() for instant in (message.insertion_time, message.expiration_time)]
        body = message.get_body().decode()
        seen["work"].append([body, message.dequeue_count, message.id, *times])
        if body.startswith("bad"):
            raise RuntimeError("can't work\\non this")
        out.set([body.upper(), "and more"])

    @app.queue_trigger(arg_name="text", queue_name="done", connection="STORE")
    def collect(text: str) -> None:
        seen["done"].append(text)

    @app.route(route="orders/{id:int}/{part?}", methods=["GET", "POST"], auth_level=func.AuthLevel.ANONYMOUS)
    def order(req: func.HttpRequest) -> func.HttpResponse:
        told = {
            "method": req.method,
            "url": req.url,
            "params": dict(req.params),
            "route": dict(req.route_params),
            "body": req.get_body().decode(),
            "header": req.headers.get("X-Test"),
        }
        headers = {"X-Answer": "yes", "Set-Cookie": "seen=1; Max-Age=60; HttpOnly; SameSite=Strict"}
        return func.HttpResponse(json.dumps(told), status_code=203, headers=headers, mimetype="application/json")

    @app.route(route="orders/latest", auth_level="anonymous")
    async def latest(req: func.HttpRequest) -> str:
        return "the latest"

    @app.route()
    def guarded(req: func.HttpRequest) -> str:
        return "guarded"

    @app.route(auth_level=func.AuthLevel.ADMIN)
    def administer(req: func.HttpRequest) -> str:
        return "administered"

    @app.route(auth_level="anonymous")
    def broken(req: func.HttpRequest) -> str:
        raise KeyError("no such thing")

    @app.route(auth_level="anonymous")
    def leaving(req: func.HttpRequest) -> str:
        raise SystemExit(7)

    @app.route(auth_level="anonymous")
    @app.table_output(arg_name="row", connection="AzureWebJobsStorage", table_name="rows")
    def unplayed(req: func.HttpRequest, row: func.Out[str]) -> str:
        row.set("{}")
        return "written"

    @app.blob_trigger(arg_name="blob", path="some/{name}", connection="AzureWebJobsStorage")
    def stream(blob: func.InputStream) -> None:
        seen["stream"].append(1)

    @app.timer_trigger(arg_name="timer", schedule="0 0 * * * *", use_monitor=False)
    def on_demand(timer: func.TimerRequest) -> None:
        seen["on_demand"].append(timer.past_due)

    @app.route(auth_level="anonymous")
    def switched_off(req: func.HttpRequest) -> str:
        return "on"

    seen["told"] = [os.environ["WEBSITE_HOSTNAME"], os.getcwd(), os.environ["AZURE_FUNCTIONS_ENVIRONMENT"]]
    logging.getLogger("sample").info("imported with %s", os.environ["GREETING"])
    print("printed while imported")
"""
)

EVERYTHING_HOST = {
    "logging": {"logLevel": {"default": "Information"}},
    "extensions": {
        "blobs": {"maxDegreeOfParallelism": 1},
        "queues": {"maxDequeueCount": 2, "maxPollingInterval": "00:00:00.3"},
    },
}

SLOW_TO_STOP = (
    SEEN
    + """
    @app.timer_trigger(arg_name="timer", schedule="0 0 * * * *")
    def missed(timer: func.TimerRequest) -> None:
        seen["missed"].append(timer.past_due)

    @app.route(route="wait/{seconds}", auth_level="anonymous")
    def wait(req: func.HttpRequest) -> str:
        logging.getLogger("sample").warning("waiting")
        time.sleep(float(req.route_params["seconds"]))
        return "waited"

    @app.queue_trigger(arg_name="text", queue_name="outage", connection="AzureWebJobsStorage")
    def work(text: str) -> None:
        seen["work"].append(text)
"""
)

WORKING = (
    SEEN
    + """
    @app.route(auth_level="anonymous")
    def process(req: func.HttpRequest) -> str:
        return str(os.getpid())

    @app.route(route="wait/{seconds}", auth_level="anonymous")
    def wait(req: func.HttpRequest) -> str:
        seconds = float(req.route_params["seconds"])
        began = time.time()
        time.sleep(seconds)
        return json.dumps([began, time.time()])

    @app.route(auth_level="anonymous")
    def leave(req: func.HttpRequest) -> str:
        os._exit(7)

    @app.route(auth_level="anonymous")
    async def block(req: func.HttpRequest) -> str:
        time.sleep(3600)

    @app.queue_trigger(arg_name="message", queue_name="hung", connection="AzureWebJobsStorage")
    def hung(message: func.QueueMessage) -> None:
        logging.getLogger("sample").warning("hung try %s", message.dequeue_count)
        if message.dequeue_count == 1:
            time.sleep(3600)
"""
)

STREAMING = (
    SEEN
    + """
    @app.event_hub_message_trigger(
        arg_name="batch",
        event_hub_name="%HUB%",
        connection="STREAM",
        consumer_group="readers",
        cardinality=func.Cardinality.MANY,
        data_type=func.DataType.BINARY,
    )
    @app.retry(strategy="fixed_delay", max_retry_count="-1", delay_interval="00:00:00")
    def take_in(batch: typing.List[func.EventHubEvent], context: func.Context) -> None:
        bodies = [event.get_body().decode("latin-1") for event in batch]
        seen["batches"].append([bodies, [event.sequence_number for event in batch], context.retry_context.retry_count])
        if "wait" in bodies and os.environ["PATIENCE"]:
            logging.getLogger("sample").warning("waiting")
            time.sleep(float(os.environ["PATIENCE"]))
        if "bad" in bodies and context.retry_context.retry_count < 2:
            raise RuntimeError("can't work on this")
"""
)
