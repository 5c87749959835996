// A mailbox for each topic of Kafka.
//
// `POST /orders` puts the body into the topic `orders`, `GET /orders` takes a record out of
// it, and `GET /orders/follow/2` waits until there are two records and shows them.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mailbox.h"

typedef exports_example_front_service_answer_t answer_t;
typedef kafka_edge_api_types_error_t error_t;

// How long a call waits for a record, and how long it is claimed, in milliseconds.
enum { WAIT = 1000, LEASE = 30000, MAX_FOLLOWED = 1000, MAX_BYTES = 1 << 20 };

static mailbox_string_t group = {(uint8_t *)"mailbox", 7};

static void say(answer_t *answer, uint16_t status, const char *before, mailbox_string_t text) {
  size_t length = strlen(before);
  answer->status = status;
  answer->body.len = length + text.len + 1;
  answer->body.ptr = malloc(answer->body.len);
  if (answer->body.ptr == NULL) abort();
  memcpy(answer->body.ptr, before, length);
  if (text.len > 0) memcpy(answer->body.ptr + length, text.ptr, text.len);
  answer->body.ptr[answer->body.len - 1] = '\n';
}

static const mailbox_string_t nothing = {NULL, 0};

// What an error means to a caller.
static void refuse(answer_t *answer, mailbox_string_t topic, error_t *error) {
  char text[200];
  switch (error->tag) {
    case KAFKA_EDGE_API_TYPES_ERROR_UNKNOWN_TOPIC:
      say(answer, 404, "there is no topic ", topic);
      break;
    case KAFKA_EDGE_API_TYPES_ERROR_INVALID:
      snprintf(text, sizeof text, "%.*s: ", (int)error->val.invalid.field.len,
               (char *)error->val.invalid.field.ptr);
      say(answer, 400, text, error->val.invalid.message);
      break;
    default:
      snprintf(text, sizeof text, "error %d of kafka-edge:api/types", error->tag);
      say(answer, 502, text, nothing);
  }
  kafka_edge_api_types_error_free(error);
}

static void put(answer_t *answer, mailbox_string_t topic, mailbox_list_u8_t value) {
  kafka_edge_api_producer_producer_record_t record = {.value = {.is_some = true, .val = value}};
  kafka_edge_api_producer_record_metadata_t written;
  error_t error;
  if (!kafka_edge_api_producer_send(&topic, &record, &written, &error)) {
    refuse(answer, topic, &error);
    return;
  }
  char text[100];
  snprintf(text, sizeof text, "partition %d, offset %lld", written.partition,
           (long long)written.offset);
  say(answer, 201, text, nothing);
}

static void take(answer_t *answer, mailbox_string_t topic) {
  kafka_edge_api_consumer_page_request_t request = {
      .topics = {.ptr = &topic, .len = 1},
      .group = group,
      .start = KAFKA_EDGE_API_TYPES_START_EARLIEST,
      .wait = WAIT,
      .max = 1,
      .max_bytes = MAX_BYTES,
  };
  kafka_edge_api_consumer_list_claimed_record_t claimed;
  kafka_edge_api_consumer_list_acknowledgement_t results;
  error_t error;
  if (!kafka_edge_api_consumer_claim(&request, LEASE, &claimed, &error)) {
    refuse(answer, topic, &error);
    return;
  }
  if (claimed.len == 0) {
    say(answer, 404, "the mailbox is empty", nothing);
    return;
  }
  // Whatever has to be done with the record is done here. If this dies before the
  // acknowledgement, the record is handed out again when the lease has ended.
  mailbox_list_string_t receipts = {.ptr = &claimed.ptr[0].receipt, .len = 1};
  if (!kafka_edge_api_consumer_ack(&group, &receipts, &results, &error)) {
    refuse(answer, topic, &error);
  } else if (results.ptr[0] != KAFKA_EDGE_API_CONSUMER_ACKNOWLEDGEMENT_DONE) {
    say(answer, 409, "somebody else has it by now", nothing);
    kafka_edge_api_consumer_list_acknowledgement_free(&results);
  } else {
    // The bytes are handed over, so they are not to be freed with the record.
    mailbox_option_list_u8_t *value = &claimed.ptr[0].record.value;
    answer->status = 200;
    answer->body = value->is_some ? value->val : (mailbox_list_u8_t){NULL, 0};
    value->is_some = false;
    kafka_edge_api_consumer_list_acknowledgement_free(&results);
  }
  kafka_edge_api_consumer_list_claimed_record_free(&claimed);
}

static void append(mailbox_list_u8_t *body, mailbox_option_list_u8_t value) {
  size_t length = value.is_some ? value.val.len : 0;
  uint8_t *longer = realloc(body->ptr, body->len + length + 1);
  if (longer == NULL) abort();
  if (length > 0) memcpy(longer + body->len, value.val.ptr, length);
  longer[body->len + length] = '\n';
  *body = (mailbox_list_u8_t){longer, body->len + length + 1};
}

// A caller who follows: this outlives the call of a function here, because the next record
// may be long in coming, and other callers are answered meanwhile.
typedef struct {
  kafka_edge_api_follower_stream_followed_record_t records;
  kafka_edge_api_follower_future_result_void_error_t end;
  kafka_edge_api_follower_followed_record_t next;
  mailbox_waitable_set_t set;
  long wanted;
  answer_t answer;
} following_t;

static mailbox_callback_code_t finish(answer_t *answer) {
  exports_example_front_service_handle_return(*answer);
  mailbox_list_u8_free(&answer->body);
  return MAILBOX_CALLBACK_CODE_EXIT;
}

static void stop(following_t *following) {
  mailbox_waitable_join(following->records, 0);
  mailbox_waitable_set_drop(following->set);
  kafka_edge_api_follower_stream_followed_record_drop_readable(following->records);
  kafka_edge_api_follower_future_result_void_error_drop_readable(following->end);
}

// Takes what a read has brought, and reads on for as long as that does not block.
static mailbox_callback_code_t go_on(following_t *following, mailbox_waitable_status_t status) {
  while (status != MAILBOX_WAITABLE_STATUS_BLOCKED) {
    // None has come if the stream has ended.
    bool came = MAILBOX_WAITABLE_COUNT(status) == 1;
    if (came) {
      append(&following->answer.body, following->next.record.value);
      kafka_edge_api_follower_followed_record_free(&following->next);
      following->wanted -= 1;
    }
    if (!came || following->wanted == 0) {
      answer_t answer = following->answer;
      stop(following);
      free(following);
      return finish(&answer);
    }
    status = kafka_edge_api_follower_stream_followed_record_read(following->records,
                                                                 &following->next, 1);
  }
  mailbox_context_set_0(following);
  return MAILBOX_CALLBACK_CODE_WAIT(following->set);
}

static mailbox_callback_code_t follow(mailbox_string_t topic, long wanted) {
  kafka_edge_api_follower_follow_request_t request = {
      .topics = {.ptr = &topic, .len = 1},
      .start = KAFKA_EDGE_API_TYPES_START_EARLIEST,
  };
  kafka_edge_api_follower_tuple2_stream_followed_record_future_result_void_error_t both;
  error_t error;
  if (!kafka_edge_api_follower_follow(&request, &both, &error)) {
    answer_t answer;
    refuse(&answer, topic, &error);
    return finish(&answer);
  }
  following_t *following = calloc(1, sizeof *following);
  if (following == NULL) abort();
  following->records = both.f0;
  following->end = both.f1;
  following->wanted = wanted;
  following->answer.status = 200;
  following->set = mailbox_waitable_set_new();
  mailbox_waitable_join(following->records, following->set);
  return go_on(following, kafka_edge_api_follower_stream_followed_record_read(
                              following->records, &following->next, 1));
}

mailbox_callback_code_t exports_example_front_service_handle_callback(mailbox_event_t *event) {
  following_t *following = mailbox_context_get_0();
  if (event->event == MAILBOX_EVENT_STREAM_READ) return go_on(following, event->code);
  // The caller has gone away.
  kafka_edge_api_follower_stream_followed_record_cancel_read(following->records);
  stop(following);
  mailbox_list_u8_free(&following->answer.body);
  free(following);
  mailbox_task_cancel();
  return MAILBOX_CALLBACK_CODE_EXIT;
}

static bool is(mailbox_string_t *text, const char *what) {
  return text->len == strlen(what) && memcmp(text->ptr, what, text->len) == 0;
}

mailbox_callback_code_t exports_example_front_service_handle(mailbox_string_t *method,
                                                             mailbox_string_t *path,
                                                             mailbox_list_u8_t *body) {
  // The path is "/topic" or "/topic/follow/2".
  size_t start = path->len > 0 && path->ptr[0] == '/';
  mailbox_string_t topic = {path->ptr + start, path->len - start};
  uint8_t *slash = topic.len > 0 ? memchr(topic.ptr, '/', topic.len) : NULL;
  char what[20] = "";
  if (slash != NULL) {
    snprintf(what, sizeof what, "%.*s", (int)(topic.ptr + topic.len - slash), (char *)slash);
    topic.len = slash - topic.ptr;
  }
  long count = 0;
  if (sscanf(what, "/follow/%4ld", &count) != 1 || count < 1 || count > MAX_FOLLOWED) count = 0;

  mailbox_callback_code_t code;
  if (is(method, "GET") && count > 0) {
    code = follow(topic, count);
  } else {
    answer_t answer;
    if (is(method, "POST") && slash == NULL) {
      put(&answer, topic, *body);
    } else if (is(method, "GET") && slash == NULL) {
      take(&answer, topic);
    } else {
      say(&answer, 405, "POST /topic, GET /topic or GET /topic/follow/1", nothing);
    }
    code = finish(&answer);
  }
  mailbox_string_free(method);
  mailbox_string_free(path);
  mailbox_list_u8_free(body);
  return code;
}
