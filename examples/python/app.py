"""A mailbox for each topic of Kafka, by HTTP.

`POST /orders` puts the body into the topic `orders`, `GET /orders` takes a record
out of it, and `GET /orders/follow` shows all its records as they come.
"""

from componentize_py_async_support import spawn
from componentize_py_async_support.streams import ByteStreamWriter
from componentize_py_types import Err, Ok
from wit_world import byte_stream, exports
from wit_world import (
    result_option_wasi_http_types_fields_wasi_http_types_error_code_future as trailers_future,
    result_unit_wasi_http_types_error_code_future as sent_future,
)
from wit_world.imports import consumer, follower, producer
from wit_world.imports.consumer import Acknowledgement, PageRequest
from wit_world.imports.follower import FollowRequest
from wit_world.imports.kafka_edge_api_types import (
    Error,
    Error_Invalid,
    Error_UnknownTopic,
    Start,
)
from wit_world.imports.producer import ProducerRecord
from wit_world.imports.wasi_http_types import (
    Fields,
    Method_Get,
    Method_Post,
    Request,
    Response,
)

GROUP = "mailbox"
# How long a call waits for a record, and how long it is claimed, in milliseconds.
WAIT, LEASE = 1_000, 30_000
# How many bytes or records are read at once.
CHUNK, RECORDS = 64 * 1024, 100


class Handler(exports.Handler):
    async def handle(self, request: Request) -> Response:
        topic, _, what = (request.get_path_with_query() or "")[1:].partition("/")
        match request.get_method(), what:
            case Method_Post(), "":
                answer = await failing_well(topic, put(topic, await body_of(request)))
            case Method_Get(), "":
                answer = await failing_well(topic, take(topic))
            case Method_Get(), "follow":
                answer = await failing_well(topic, follow(topic))
            case _:
                answer = 405, b"POST /topic, GET /topic or GET /topic/follow\n"
        return response(*answer)


async def put(topic, value: bytes):
    record = ProducerRecord(key=None, value=value, headers=[], partition=None, timestamp=None)
    written = await producer.send(topic, record)
    return 201, f"partition {written.partition}, offset {written.offset}\n".encode()


async def take(topic):
    request = PageRequest(
        topics=[topic], group=GROUP, start=Start.EARLIEST, wait=WAIT, max=1, max_bytes=1 << 20
    )
    claimed = await consumer.claim(request, LEASE)
    if not claimed:
        return 404, b"the mailbox is empty\n"
    # Whatever has to be done with the record is done here. If this dies before the
    # acknowledgement, the record is handed out again when the lease has ended.
    results = await consumer.ack(GROUP, [claimed[0].receipt])
    if results != [Acknowledgement.DONE]:
        return 409, b"somebody else has it by now\n"
    return 200, claimed[0].record.value or b""


async def follow(topic):
    request = FollowRequest(
        topics=[topic], group=None, start=Start.EARLIEST, cursor=None, lease=None
    )
    records, end = await follower.follow(request)
    writer, reader = byte_stream()
    spawn(pass_on(records, end, writer))
    return 200, reader


async def pass_on(records, end, writer: ByteStreamWriter):
    with records, end, writer:
        # A caller that hangs up drops the reader.
        while not (records.writer_dropped or writer.reader_dropped):
            for followed in await records.read(RECORDS):
                await writer.write_all((followed.record.value or b"") + b"\n")


async def failing_well(topic, work):
    """What is awaited, or what its error means to a caller."""
    try:
        return await work
    except Err as failure:
        return refusal(topic, failure.value)


def refusal(topic, error: Error):
    match error:
        case Error_UnknownTopic():
            return 404, f"there is no topic {topic}\n".encode()
        case Error_Invalid(argument):
            return 400, f"{argument.field}: {argument.message}\n".encode()
        case other:
            return 502, f"{other}\n".encode()


async def body_of(request: Request) -> bytes:
    _, result = sent_future(lambda: Ok(None))
    contents, trailers = Request.consume_body(request, result)
    body = bytearray()
    with contents, trailers:
        while not contents.writer_dropped:
            body += await contents.read(CHUNK)
    return bytes(body)


def response(status: int, body) -> Response:
    if isinstance(body, bytes):
        writer, contents = byte_stream()
        spawn(write(writer, body))
    else:
        contents = body
    _, trailers = trailers_future(lambda: Ok(None))
    answer, sent = Response.new(Fields(), contents, trailers)
    with sent:
        answer.set_status_code(status)
    return answer


async def write(writer: ByteStreamWriter, body: bytes):
    with writer:
        await writer.write_all(body)
