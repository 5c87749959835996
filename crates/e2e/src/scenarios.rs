//! All scenarios, in one list.

mod acknowledge;
mod actions;
mod consume;
mod credentials;
mod errors;
mod groups;
mod look;
mod moving;
mod produce;
mod sources;
mod stream;
mod subscriptions;
mod upstash;
mod webhooks;

use std::fmt;

use anyhow::Result;
use futures_util::future::{BoxFuture, FutureExt};

use crate::ability::Ability;
use crate::context::Context;

/// Something that a caller does, and what comes of it.
pub(crate) struct Scenario {
    /// A sentence, after the part of the API that it is about.
    pub(crate) name: &'static str,
    pub(crate) needs: &'static [Ability],
    pub(crate) play: fn(Context) -> BoxFuture<'static, Result<()>>,
}

impl fmt::Debug for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scenario").field("name", &self.name).finish_non_exhaustive()
    }
}

/// A list of `part::name`, each with the abilities that it needs.
macro_rules! scenarios {
    ($($part:ident :: $name:ident $([$($need:ident),+])?)*) => {
        vec![$(Scenario {
            name: concat!(stringify!($part), "::", stringify!($name)),
            needs: &[$($(Ability::$need),+)?],
            play: |context| async move { $part::$name(&context).await }.boxed(),
        }),*]
    };
}

pub(crate) fn all() -> Vec<Scenario> {
    scenarios![
        look::health_is_for_everyone
        look::the_index_links_to_what_there_is
        look::topics_are_listed_and_described
        look::records_are_read_at_an_offset

        produce::the_rest_of_a_path_is_a_record
        produce::a_key_a_partition_and_a_time_are_taken [Timestamps]
        produce::a_body_is_a_record_byte_for_byte
        produce::headers_become_headers_of_the_record [Headers]
        produce::each_line_is_a_record_and_has_a_report
        produce::what_cannot_be_written_is_refused
        produce::a_call_that_is_made_again_under_its_key_writes_nothing [KeptState]

        consume::one_record_comes_after_the_other [KeptState]
        consume::a_page_tells_where_each_partition_goes_on [KeptState]
        consume::several_topics_are_read_together [KeptState]
        consume::with_nothing_there_the_answer_comes_after_the_wait [KeptState]
        consume::a_wait_ends_with_the_record [KeptState]
        consume::a_new_group_begins_where_it_says [KeptState]
        consume::callers_side_by_side_never_get_the_same_record [KeptState]
        consume::what_is_wrong_with_a_question_is_said

        acknowledge::an_acknowledged_record_is_done_with [KeptState]
        acknowledge::a_record_that_is_given_back_comes_again [KeptState]
        acknowledge::a_record_comes_again_when_its_lease_is_over [KeptState]
        acknowledge::a_receipt_that_is_none_is_unknown [KeptState]

        stream::events_come_as_records_are_written [Streams]
        stream::lines_come_as_records_are_written [Streams]
        stream::a_stream_goes_on_behind_its_cursor [Streams]
        stream::a_groups_stream_moves_the_group [Streams, KeptState]

        groups::a_group_is_listed_and_described [KeptState]
        groups::a_group_is_moved_to_either_end_and_to_an_offset [KeptState]
        groups::a_group_is_moved_to_a_time [OffsetByTime, KeptState]
        groups::a_group_that_is_deleted_begins_anew [KeptState]

        webhooks::a_path_registers_a_callback_once [KeptState]
        webhooks::a_body_registers_a_callback [KeptState]
        webhooks::a_round_delivers_what_is_due [Callbacks, KeptState]
        webhooks::a_produce_is_delivered_without_being_asked_for [Callbacks, UnaskedDeliveries, KeptState]
        webhooks::a_delivery_that_fails_is_tried_again_under_the_same_id [Callbacks, KeptState]
        webhooks::a_callback_that_may_not_be_is_refused

        subscriptions::records_are_filtered_and_transformed [Callbacks, KeptState]
        subscriptions::a_batch_holds_several_records [Callbacks, KeptState]
        subscriptions::a_record_that_is_given_up_is_a_dead_letter_and_can_be_sent_again [Callbacks, KeptState]
        subscriptions::a_secret_is_replaced_with_an_overlap [Callbacks, KeptState]

        sources::an_event_becomes_a_record_and_its_repeat_none [Sources, KeptState]
        sources::a_stranger_writes_nothing [Sources, KeptState]
        sources::an_event_is_left_out_or_becomes_several_records [Sources, KeptState]
        sources::a_trial_shows_each_stage_and_writes_nothing [Sources, KeptState]
        sources::a_source_is_changed_in_the_version_that_was_seen [Sources, KeptState]
        sources::a_source_that_cannot_work_is_refused [Sources]
        sources::a_refusal_is_shown_without_values [Sources, KeptState]
        sources::events_are_counted [Sources, WorkAfterAnswers, KeptState]

        actions::a_run_publishes_its_payload_and_is_reported_on [Actions, KeptState]
        actions::a_list_is_several_records_of_one_run_and_a_key_makes_it_once [Actions, KeptState]
        actions::what_cannot_be_rendered_writes_nothing [Actions, KeptState]

        moving::what_was_removed_comes_back_from_a_document [Configuration, Sources, KeptState]

        credentials::a_credential_is_made_listed_and_removed [KeptState]
        credentials::callers_without_one_are_refused [Credentials]
        credentials::a_credential_allows_what_it_says_and_no_more [Credentials, KeptState]
        credentials::a_credential_that_is_removed_ends [Credentials, KeptState]

        upstash::records_are_produced
        upstash::a_webhook_is_a_record
        upstash::records_are_consumed_and_committed [KeptState]
        upstash::records_are_fetched
        upstash::topics_and_offsets_are_told
        upstash::a_time_has_an_offset [OffsetByTime]
        upstash::instances_are_listed_and_removed [KeptState]
        upstash::the_schema_registry_is_passed_on_to_or_missing

        errors::a_path_that_is_none_is_404
        errors::a_method_that_is_none_is_405_and_names_those_that_are
        errors::an_unknown_topic_is_404_wherever_it_is_named
        errors::a_parameter_that_is_wrong_is_named
        errors::a_body_that_is_wrong_is_refused
        errors::no_answer_is_kept_by_a_cache
    ]
}
