"""The worker protocol's messages as keyword-made classes; between two processes of ours no protobuf is needed.

Microsoft's worker library is handed this module as `protos`. Class, field and constant names are those of its
FunctionRpc.proto, and only those the library builds or reads are here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, ClassVar


class TypedData:
    """One value of one kind: `TypedData(json="{}")`. No kind at all means nothing was given.

    The library probes messages for an attribute named `TypedData` and wants an AttributeError, so none may be defined.
    """

    def __init__(self, **given: object) -> None:
        if len(given) > 1:
            raise TypeError(f"a value has one kind, not {', '.join(given)}")
        self.kind: str | None = next(iter(given), None)
        self.value: Any = next(iter(given.values()), None)
        vars(self).update(given)

    def WhichOneof(self, _group: str) -> str | None:  # noqa: N802 - protobuf's name
        """Name the field that is set."""
        return self.kind


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectionBytes:
    """Several values at once, such as the events of a batch."""

    bytes: Sequence[bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterBinding:
    """A parameter of the function and its value, going in or coming out."""

    name: str
    data: TypedData | None

    def WhichOneof(self, _group: str) -> str:  # noqa: N802 - protobuf's name
        """Name the field that is set."""
        return "data"


class _SameSite:
    Lax: ClassVar[int] = 1
    Strict: ClassVar[int] = 2
    ExplicitNone: ClassVar[int] = 3


setattr(_SameSite, "None", 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class NullableValue:
    """A cookie's attribute that was given."""

    value: Any


NullableString = NullableBool = NullableDouble = NullableTimestamp = NullableValue


@dataclass(frozen=True, slots=True, kw_only=True)
class Timestamp:
    """An instant in whole seconds since 1970."""

    seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RpcHttpCookie:
    """A cookie the function sets; what it leaves out is None."""

    SameSite: ClassVar[type[_SameSite]] = _SameSite

    name: str
    value: str
    domain: NullableValue | None = None
    path: NullableValue | None = None
    expires: NullableValue | None = None
    secure: NullableValue | None = None
    http_only: NullableValue | None = None
    same_site: int = 0
    max_age: NullableValue | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RpcHttp:
    """An HTTP request going in, or the function's answer coming out (`status_code` is text then)."""

    method: str = ""
    url: str = ""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    query: Mapping[str, str] = field(default_factory=dict[str, str])
    params: Mapping[str, str] = field(default_factory=dict[str, str])
    body: TypedData = field(default_factory=TypedData)
    status_code: str = ""
    cookies: Sequence[RpcHttpCookie] | None = None
    enable_content_negotiation: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RpcException:
    """What the function or the loading raised."""

    message: str = ""
    stack_trace: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusResult:
    """How a request to the worker ended."""

    Failure: ClassVar[int] = 0
    Success: ClassVar[int] = 1

    status: int
    exception: RpcException | None = None


class BindingInfo:
    """What the worker compares a binding's direction and data type with."""

    undefined: ClassVar[int] = 0
    out: ClassVar[int] = 1
    inout: ClassVar[int] = 2

    def __init__(self, *, type: str, data_type: int | None, direction: int) -> None:  # noqa: A002 - the protocol's name
        self.type = type
        self.data_type = data_type
        self.direction = direction


@dataclass(frozen=True, slots=True, kw_only=True)
class RpcRetryOptions:
    """The retry policy of a function: a fixed delay, or one that doubles between two bounds. -1 tries for ever."""

    max_retry_count: int
    retry_strategy: str
    delay_interval: timedelta | None = None
    minimum_interval: timedelta | None = None
    maximum_interval: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RpcFunctionMetadata:
    """One function as the worker found it; `raw_bindings` are JSON texts, one a binding."""

    name: str
    function_id: str
    directory: str
    script_file: str
    entry_point: str
    language: str
    is_proxy: bool
    managed_dependency_enabled: bool
    bindings: Mapping[str, BindingInfo]
    raw_bindings: Sequence[str]
    retry_options: RpcRetryOptions | None
    properties: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerMetadata:
    """What the worker says of itself."""

    runtime_name: str
    runtime_version: str
    worker_version: str
    worker_bitness: str
    custom_properties: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerInitResponse:
    """Whether the app could be imported and indexed."""

    capabilities: Mapping[str, str]
    worker_metadata: WorkerMetadata
    result: StatusResult


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionMetadataResponse:
    """The functions found; None when there is no script or it declares none."""

    use_default_metadata_indexing: bool
    function_metadata_results: Sequence[RpcFunctionMetadata] | None
    result: StatusResult


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionLoadResponse:
    """Whether one function is ready to be invoked."""

    function_id: str
    result: StatusResult


@dataclass(frozen=True, slots=True, kw_only=True)
class RpcTraceContext:
    """W3C trace context of an invocation; empty on a laptop."""

    trace_parent: str = ""
    trace_state: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryContext:
    """Which try this is, of how many, and what the last one raised."""

    retry_count: int = 0
    max_retry_count: int = 0
    exception: RpcException = field(default_factory=RpcException)


@dataclass(frozen=True, slots=True, kw_only=True)
class InvocationRequest:
    """Run one function once. Which id it has is known to the process that loaded it alone, so that fills it in."""

    invocation_id: str
    function_id: str = ""
    input_data: Sequence[ParameterBinding]
    trigger_metadata: Mapping[str, TypedData]
    trace_context: RpcTraceContext = field(default_factory=RpcTraceContext)
    retry_context: RetryContext = field(default_factory=RetryContext)


@dataclass(frozen=True, slots=True, kw_only=True)
class InvocationResponse:
    """How the run ended, and what it put out."""

    invocation_id: str
    result: StatusResult
    return_value: TypedData | None = None
    output_data: Sequence[ParameterBinding] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Invocation:
    """Not of the protocol: a function, by its name, and what it is to be run on."""

    function: str
    request: InvocationRequest
