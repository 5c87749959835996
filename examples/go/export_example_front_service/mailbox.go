// A mailbox for each topic of Kafka.
//
// `POST /orders` puts the body into the topic `orders`, and `GET /orders` takes a record
// out of it. The name of the package and of its folder is given by wit-bindgen.
package export_example_front_service

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	front "wit_component/example_front_service"
	consumer "wit_component/kafka_edge_api_consumer"
	producer "wit_component/kafka_edge_api_producer"
	kafka "wit_component/kafka_edge_api_types"

	. "go.bytecodealliance.org/pkg/wit/types"
)

const (
	group = "mailbox"
	// How long a call waits for a record, and how long it is claimed, in milliseconds.
	wait, lease = 1_000, 30_000
)

// Memory is collected here and nowhere else. Go's collector asks WASI for the time, which
// traps ("cannot leave component instance") when it starts while the canonical ABI allocates
// what is passed to this component or returned to it.
func init() { debug.SetGCPercent(-1) }

// Bytes since the last collection, about, and how many may be.
var allocated, most = 0, 4 << 20

func collect(bytes int) {
	if allocated += bytes; allocated > most {
		runtime.GC()
		allocated = 0
	}
}

func Handle(method string, path string, body []uint8) front.Answer {
	// Whatever a call allocates beside the records is far less than 16 KiB.
	collect(len(body) + 16<<10)
	topic := strings.TrimPrefix(path, "/")
	switch method {
	case "POST":
		return put(topic, body)
	case "GET":
		return take(topic)
	default:
		return text(405, "POST /topic or GET /topic")
	}
}

func put(topic string, value []uint8) front.Answer {
	sent := producer.Send(topic, producer.ProducerRecord{
		Key:       None[[]uint8](),
		Value:     Some(value),
		Headers:   nil,
		Partition: None[int32](),
		Timestamp: None[int64](),
	})
	if sent.IsErr() {
		return refusal(topic, sent.Err())
	}
	return text(201, fmt.Sprintf("partition %d, offset %d", sent.Ok().Partition, sent.Ok().Offset))
}

func take(topic string) front.Answer {
	claimed := consumer.Claim(consumer.PageRequest{
		Topics:   []string{topic},
		Group:    group,
		Start:    kafka.Start_Earliest,
		Wait:     wait,
		Max:      1,
		MaxBytes: 1 << 20,
	}, lease)
	if claimed.IsErr() {
		return refusal(topic, claimed.Err())
	}
	if len(claimed.Ok()) == 0 {
		return text(404, "the mailbox is empty")
	}
	// Whatever has to be done with the record is done here. If this dies before the
	// acknowledgement, the record is handed out again when the lease has ended.
	mail := claimed.Ok()[0]
	results := consumer.Ack(group, []string{mail.Receipt})
	if results.IsErr() {
		return refusal(topic, results.Err())
	}
	if results.Ok()[0] != consumer.Acknowledgement_Done {
		return text(409, "somebody else has it by now")
	}
	value := mail.Record.Value.SomeOr(nil)
	collect(len(value))
	return front.Answer{Status: 200, Body: value}
}

// What an error means to a caller.
func refusal(topic string, failure kafka.Error) front.Answer {
	switch failure.Tag() {
	case kafka.Error_UnknownTopic:
		return text(404, "there is no topic "+topic)
	case kafka.Error_Invalid:
		argument := failure.Invalid()
		return text(400, argument.Field+": "+argument.Message)
	default:
		return text(502, fmt.Sprintf("error %d of kafka-edge:api/types", failure.Tag()))
	}
}

func text(status uint16, line string) front.Answer {
	return front.Answer{Status: status, Body: []uint8(line + "\n")}
}
