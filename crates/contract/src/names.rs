//! The names of all promises, in groups. Each is written here once: the functions are found
//! by them, and `tests/contract` makes a test of each.

/// Calls a macro with what it is given, an arrow, and the names of a group.
#[macro_export]
macro_rules! with_promises {
    // On every store, also where reads are stale.
    (store_wherever, $then:ident, $($given:tt)*) => {
        $then!($($given)* =>
            a_key_that_was_never_set_has_no_value
            deleting_what_is_not_there_is_no_error
            a_counter_that_was_never_incremented_stands_at_zero
            increment_gives_the_new_value
            increment_by_zero_gives_the_value
            no_two_increments_give_the_same_number
            a_counter_goes_as_far_as_tickets_go
        );
    };
    // Where reads are fresh: where a read shows all that was written before it began, by
    // whichever instance.
    (store_fresh, $then:ident, $($given:tt)*) => {
        $then!($($given)* =>
            what_was_set_is_read_as_it_was_set
            an_empty_value_is_a_value
            the_last_value_counts
            a_deleted_key_has_no_value
            an_instance_reads_what_another_one_wrote
            a_counter_is_read_as_it_stands
            eight_digits_of_a_counter_are_a_number
            counters_and_values_stand_side_by_side
            keys_are_listed_by_their_prefix
            a_long_key_is_taken
            a_value_of_a_million_bytes_is_taken
        );
    };
    // Where counters are keys as others are: all stores but that of Fastly Compute, which
    // makes counters of keys that it never deletes.
    (store_counters, $then:ident, $($given:tt)*) => {
        $then!($($given)* => a_deleted_counter_begins_at_zero);
    };
    (store_counters_fresh, $then:ident, $($given:tt)*) => {
        $then!($($given)* => counters_are_listed_too);
    };
    // Where it is stated that keys can be created.
    (store_creating, $then:ident, $($given:tt)*) => {
        $then!($($given)* =>
            it_states_that_it_creates_keys
            one_of_many_creates_a_key
            a_key_that_has_a_value_keeps_it_and_shows_it
            a_created_key_ends
            a_value_for_a_time_ends_and_one_without_does_not
            a_deleted_key_can_be_created_again
        );
    };
    (host, $then:ident, $($given:tt)*) => {
        $then!($($given)* =>
            it_states_the_same_capabilities_at_all_times
            spawned_work_runs_beside_its_request
            a_sleep_is_as_long_as_it_was_asked_to_be
            the_monotonic_clock_never_goes_back
            random_bytes_fill_the_buffer_and_differ
            a_signal_wakes_its_wait_when_it_is_dropped
            a_wait_without_its_signal_dropped_goes_on
            a_variable_that_is_not_set_is_none
        );
    };
    // Where a request can be sent to the host from within.
    (host_served, $then:ident, $($given:tt)*) => {
        $then!($($given)* => work_goes_on_after_the_answer_where_that_is_stated);
    };
    // On every log.
    (log, $then:ident, $($given:tt)*) => {
        $then!($($given)* =>
            every_instance_is_told_the_same_cluster
            the_server_answers_a_ping
            a_topic_has_a_name_and_partitions
            an_unknown_topic_is_refused_by_every_function
            offsets_bound_what_is_there
            ends_move_with_what_is_written
            a_time_has_an_offset_where_that_is_stated
            what_is_written_is_reported_where_it_lies
            each_record_is_reported_on_once
            a_record_that_is_refused_takes_no_other_with_it
            keys_and_values_are_read_as_they_were_written
            headers_are_read_where_that_is_stated
            times_are_read_where_that_is_stated
            a_partition_is_read_to_its_end_without_a_gap
            any_offset_can_be_read_first
            any_offset_is_read_at_once_where_that_is_stated
            an_offset_below_the_first_is_moved_up_to_it
            nothing_is_read_past_the_end
            a_fetch_waits_no_longer_than_asked
            a_fetch_returns_with_the_record_that_it_waited_for
            a_place_goes_from_one_instance_to_the_next
            a_place_that_is_lost_costs_no_record
            a_place_that_was_closed_costs_no_record
            partitions_are_read_apart
        );
    };
}

/// Plays the promise of this name, if it is one of a group.
macro_rules! play {
    ($name:ident, $world:ident => $($promise:ident)*) => {
        match $name {
            $(stringify!($promise) => {
                Box::pin($promise($world)).await;
                return true;
            })*
            _ => {}
        }
    };
}

/// Writes the names of a group.
macro_rules! list {
    ($text:ident, $group:literal => $($promise:ident)*) => {
        $($text.push_str(concat!($group, "/", stringify!($promise), "\n"));)*
    };
}

pub(crate) use {list, play};
