//! The pages say what is so: each line of the tables of failures has tests that cause the fault, the attributes of the page
//! of destinations are those that are sent, the lines of the page of troubleshooting are those that are logged, and the
//! settings have the defaults and variables that the pages name.

mod log_lines;
mod settings;

use std::collections::BTreeSet;
use std::path::Path;

use regex::Regex;
use serde_json::Value;

use crate::support::files;

const CAPTURED: &str = include_str!("../../src/guide/captured.md");

const PAGE: &str = include_str!("../../src/guide/failures.md");

/// Where the tables of faults end: what is said of others is checked by hand.
const COMPARISON: &str = "\n## Compared with other libraries\n";

/// The tests of each line, by its first cell: a file below `tests` or `src`, and a function.
const CHECKED: &[(&str, &[&str])] = &[
    // What the ingest answers.
    (
        "408, 425, 429, 5xx (OTLP: see below)",
        &[
            "it/faults/answers.rs::every_answer_is_survived_on_every_wire",
            "it/retry.rs::an_event_that_grows_too_old_is_given_up",
        ],
    ),
    (
        "`Retry-After`",
        &[
            "it/retry.rs::a_long_retry_after_is_clamped",
            "delivery/gate.rs::what_an_ingest_asks_of_all_its_senders_is_spread",
            "delivery/simulation.rs::a_suspect_is_no_probe_before_the_time_that_the_ingest_has_asked_for",
        ],
    ),
    (
        "five failures in a row",
        &[
            "it/retry.rs::five_failures_in_a_row_open_the_breaker_for_about_half_a_minute",
            "delivery/gate.rs::five_failures_in_a_row_break_and_requests_of_before_do_not_count",
        ],
    ),
    (
        "an outage ends",
        &[
            "delivery/gate.rs::after_an_outage_requests_grow_one_by_one_and_their_rate_is_bounded",
            "delivery/gate.rs::a_quiet_or_young_sender_may_send_once_a_second",
            "delivery/fleet.rs::a_fleet_comes_back_without_a_rush_and_loses_nothing",
        ],
    ),
    (
        "5xx to one event, for ever",
        &[
            "it/faults/poison.rs::a_500_for_one_event_does_not_hold_up_the_others",
            "it/faults/poison.rs::one_event_in_a_thousand_refused_for_ever_costs_itself_alone_with_a_spool",
            "delivery/suspects.rs::an_event_ends_after_five_faults_in_half_a_minute_while_others_get_through",
            "delivery/suspects.rs::nothing_ends_while_others_are_few_or_fail",
        ],
    ),
    (
        "408, 425, 429, a reset or a timeout to one event, for ever",
        &[
            "it/faults/poison.rs::an_event_that_fails_in_any_way_waits_alone_and_then_expires",
            "delivery/simulation.rs::events_that_fail_in_any_way_wait_alone_and_all_others_arrive_soon",
            "delivery/suspects.rs::a_reset_makes_a_suspect_or_halves_a_part_the_sooner_the_better_others_fare",
            "delivery/suspects.rs::no_reset_is_a_verdict_on_an_event",
            "delivery/simulation.rs::suspects_that_hang_leave_a_place_or_every_other_turn_to_others",
        ],
    ),
    (
        "half of all requests fail, or the ingest sheds load",
        &[
            "delivery/simulation.rs::a_brown_out_drops_nothing",
            "delivery/simulation.rs::an_ingest_that_sheds_gets_no_more_requests_for_it",
        ],
    ),
    (
        "400, 422 for one event",
        &["it/faults/poison.rs::a_400_or_422_for_one_event_costs_that_event_alone"],
    ),
    (
        "400, 422 for many events",
        &["it/faults/poison.rs::several_bad_events_are_found_within_a_budget"],
    ),
    (
        "400 to everything",
        &[
            "it/faults/poison.rs::an_ingest_that_answers_400_to_everything_is_asked_hardly_more_than_once_a_batch",
        ],
    ),
    (
        "another 4xx (403, 404, 406, 451) or a redirect for one event, as by a firewall",
        &[
            "it/faults/poison.rs::another_4xx_for_one_event_of_an_ingest_that_takes_others_costs_that_event_alone",
            "it/faults/poison.rs::a_redirect_of_one_event_costs_that_event_alone_and_is_not_followed",
        ],
    ),
    (
        "another 4xx, or a redirect, to everything",
        &[
            "it/faults/answers.rs::every_answer_is_survived_on_every_wire",
            "delivery/search.rs::an_answer_that_may_mean_the_key_means_an_event_only_of_an_ingest_that_accepts",
        ],
    ),
    (
        "401, or 403 to everything",
        &[
            "it/faults/poison.rs::a_key_that_is_refused_costs_hardly_more_than_one_request_a_batch_and_is_named",
            "it/faults/answers.rs::every_answer_is_survived_on_every_wire",
            "it/delivery.rs::a_rotated_key_is_used_from_then_on",
        ],
    ),
    (
        "413",
        &[
            "it/retry.rs::a_batch_above_the_ingests_bytes_is_split_until_it_fits",
            "it/retry.rs::one_event_that_is_too_large_does_not_take_others_along",
        ],
    ),
    (
        "a redirect",
        &["it/retry.rs::a_redirect_is_refused_and_its_target_sees_nothing"],
    ),
    (
        "2xx that refuses single events (`ReoBatch`)",
        &[
            "it/retry.rs::refused_events_of_a_batch_are_dropped_and_the_others_delivered",
            "it/retry.rs::events_that_are_refused_for_now_are_sent_again_alone",
            "it/retry.rs::ids_of_refused_events_may_be_text",
            "it/silence.rs::a_refusal_of_events_that_no_batch_has_is_told_once",
        ],
    ),
    (
        "2xx that accepts fewer than were sent (mcpeye)",
        &["it/faults/poison.rs::what_an_answer_does_not_count_is_dropped_and_never_sent_again"],
    ),
    (
        "on the OTLP wire: 408, 425, any 5xx other than 500 and 502 to 504, any 4xx other than 400, 413 and 429, or a redirect",
        &["it/otlp.rs::four_statuses_and_a_lost_connection_are_sent_again_and_nothing_else"],
    ),
    (
        "2xx with a partial success (OTLP)",
        &["it/otlp.rs::a_partial_success_is_never_sent_again"],
    ),
    (
        "2xx that names a quota (PostHog)",
        &[
            "it/posthog.rs::an_answer_that_names_a_quota_counts_as_delivered",
            "it/silence.rs::a_warning_of_a_receiver_that_rejects_nothing_is_one_line",
        ],
    ),
    (
        "2xx with a web page",
        &[
            "it/faults/poison.rs::a_page_in_place_of_an_answer_is_a_failure_that_names_a_proxy",
            "it/otlp.rs::four_statuses_and_a_lost_connection_are_sent_again_and_nothing_else",
        ],
    ),
    (
        "2xx with any other body, huge, cut off or trickling",
        &[
            "it/retry.rs::a_huge_a_truncated_and_a_trickling_answer_are_still_a_2xx",
            "it/retry.rs::an_answer_that_cannot_be_read_refuses_nothing",
        ],
    ),
    // On the way there.
    (
        "a name that is not found, a refused, reset or silent connection",
        &["it/faults/network.rs::every_fault_of_names_and_connections_is_survived"],
    ),
    (
        "a connection reset after the request was read",
        &["it/retry.rs::a_reset_after_the_body_sends_the_same_event_again"],
    ),
    (
        "a request without an answer",
        &["it/retry.rs::a_hanging_ingest_costs_a_request_its_timeout_and_no_more"],
    ),
    (
        "two timeouts of a batch",
        &["it/retry.rs::two_timeouts_of_a_batch_halve_it"],
    ),
    (
        "endless interim responses (`100 Continue`, `103`)",
        &[
            "it/faults/network.rs::every_fault_of_names_and_connections_is_survived",
            "it/faults/held_up.rs::heads_without_end_hold_up_no_wait_and_other_requests_go_on",
        ],
    ),
    (
        "an untrusted TLS certificate",
        &["it/faults/network.rs::every_fault_of_tls_is_survived_and_nothing_is_sent"],
    ),
    (
        "a proxy on the way to an https ingest",
        &[
            "it/faults/proxy.rs::a_proxy_tunnels_and_sees_neither_key_nor_events",
            "it/faults/proxy.rs::every_fault_of_a_proxy_is_survived",
        ],
    ),
    (
        "the process was frozen, and its connections died",
        &[
            "it/faults/process.rs::the_first_flush_of_a_process_that_was_frozen_delivers",
            "it/faults/process.rs::a_request_that_was_under_way_in_a_frozen_process_is_tried_again_at_once",
            "delivery/simulation.rs::a_request_that_the_process_stood_still_under_is_sent_again_and_tells_the_gate_nothing",
        ],
    ),
    // In your process.
    (
        "the queue is full",
        &[
            "it/overload.rs::a_full_queue_refuses_the_newest_and_counts_each",
            "it/overload.rs::a_full_queue_that_prefers_the_newest_evicts_the_oldest_that_is_not_on_its_way",
        ],
    ),
    (
        "one of several destinations is down, slow or refuses events",
        &["it/destinations.rs::a_destination_that_hangs_and_one_that_fails_cost_the_third_nothing"],
    ),
    (
        "one of several destinations lags behind another until it holds half of `max_queue_bytes`",
        &[
            "it/destinations.rs::one_that_lags_loses_its_own_oldest_and_holds_no_more_than_half_of_the_memory",
        ],
    ),
    (
        "open call guards hold a quarter of `max_queue_bytes`",
        &[
            "it/faults/memory.rs::open_calls_hold_a_quarter_of_the_bound_and_keep_names_and_sizes_beyond_it",
            "it/faults/memory.rs::the_keys_that_an_open_call_adds_are_charged_and_end_where_there_is_no_memory",
        ],
    ),
    (
        "a message is larger than `max_message_bytes` of the layer or streams, or there is no memory for it",
        &[
            "it/rmcp/lenient.rs::the_end_of_a_call_is_read_of_an_answer_of_any_size_or_is_unknown",
            "it/rmcp/lenient.rs::bodies_under_way_hold_a_share_of_the_queue_and_each_call_has_one_record",
        ],
    ),
    (
        "the outline of such a message is larger than 16 KiB",
        &[
            "it/rmcp/lenient.rs::the_end_of_a_call_is_read_of_an_answer_of_any_size_or_is_unknown",
            "it/rmcp/lenient.rs::what_is_not_read_is_counted",
        ],
    ),
    (
        "your `Serialize` panics or fails",
        &["it/redaction.rs::a_value_that_cannot_be_serialized_leaves_a_mark_and_the_event"],
    ),
    (
        "your redaction rule panics",
        &["it/faults/host.rs::every_fault_of_the_host_is_survived"],
    ),
    (
        "somebody is forgotten",
        &[
            "it/forget.rs::what_waits_of_somebody_ends_on_every_wire_and_the_rest_is_delivered",
            "it/forget.rs::what_is_under_way_is_reported_and_not_sent_again",
        ],
    ),
    (
        "`consent` returns `false`, or panics",
        &[
            "it/consent.rs::each_event_about_somebody_is_asked_about_once_and_none_of_who_says_no_is_sent",
            "it/consent.rs::a_panic_is_no_and_the_logger_goes_on",
            "it/rmcp/consent.rs::nothing_of_who_says_no_is_reported_by_an_instrumented_server_or_the_layer",
        ],
    ),
    (
        "`before_send` panics, or returns nothing",
        &[
            "it/faults/host.rs::every_fault_of_the_host_is_survived",
            "it/reasons.rs::every_reason_is_caused_by_a_test",
        ],
    ),
    (
        "`before_send` returns a value that is not well formed, or that the wire has no place for",
        &[
            "it/fields.rs::whatever_a_hook_hands_back_the_contract_accepts",
            "it/fields.rs::a_malformed_value_of_a_hook_costs_itself_and_is_counted",
        ],
    ),
    (
        "`before_send` removes what the wire requires",
        &["it/fields.rs::a_malformed_value_of_a_hook_costs_itself_and_is_counted"],
    ),
    (
        "`before_send` enlarges events",
        &[
            "it/faults/memory.rs::a_hook_that_enlarges_events_stays_within_the_bound",
            "it/faults/memory.rs::a_hook_that_enlarges_events_stays_within_the_bound_with_a_spool",
        ],
    ),
    (
        "`on_error` or a `tracing` subscriber panics",
        &[
            "it/delivery.rs::an_error_callback_that_panics_is_counted_and_disturbs_nothing",
            "it/faults/foreign.rs::a_subscriber_that_panics_costs_the_line_and_no_event",
        ],
    ),
    (
        "a hook, a subscriber or a `Serialize` blocks",
        &[
            "it/faults/held_up.rs::a_hook_that_blocks_holds_up_no_wait",
            "it/faults/held_up.rs::a_subscriber_that_blocks_holds_up_no_wait",
            "it/faults/held_up.rs::a_value_that_is_being_captured_holds_up_no_shutdown",
        ],
    ),
    (
        "no thread can be started",
        &["it/faults/system.rs::no_thread_is_no_panic_and_the_event_is_counted"],
    ),
    (
        "no file descriptor is left",
        &["it/faults/system.rs::no_descriptor_is_no_panic_and_the_event_is_counted"],
    ),
    (
        "the wall clock jumps",
        &["it/faults/host.rs::every_fault_of_the_host_is_survived"],
    ),
    (
        "the host's runtime ends",
        &["it/shutdown.rs::it_outlives_the_hosts_runtime"],
    ),
    (
        "the shutdown times out",
        &["it/shutdown.rs::a_shutdown_against_a_hang_is_back_in_time_and_names_what_is_pending"],
    ),
    (
        "an event comes after the shutdown",
        &["it/shutdown.rs::what_comes_after_the_shutdown_is_refused_and_counted"],
    ),
    (
        "SIGTERM",
        &["it/faults/process.rs::on_sigterm_all_that_is_queued_is_delivered"],
    ),
    (
        "`kill -9`, with a spool",
        &["it/spool/process.rs::a_kill_at_any_moment_costs_at_most_the_last_100_ms"],
    ),
    ("a fork", &["it/process.rs::a_forked_child_refuses"]),
    // On disk.
    (
        "somebody is forgotten whose events are on disk",
        &[
            "it/spool/forget.rs::nothing_of_somebody_forgotten_is_left_on_disk_and_a_kill_brings_nothing_back",
            "it/spool/forget.rs::an_event_that_was_delivered_leaves_the_file_that_others_keep",
            "it/spool/forget.rs::a_disk_that_does_not_answer_is_waited_for_so_long_and_nothing_of_it_is_sent_later",
        ],
    ),
    (
        "the disk is full, read-only or hangs",
        &[
            "it/spool/disk.rs::on_a_full_disk_delivery_goes_on_from_memory",
            "it/spool/disk.rs::on_a_read_only_directory_delivery_goes_on_from_memory",
            "it/spool/disk.rs::a_disk_that_hangs_holds_up_neither_callers_nor_sending_nor_the_end",
        ],
    ),
    (
        "a record is damaged or torn",
        &[
            "it/spool/damage.rs::a_file_torn_at_any_byte_of_its_last_record_loses_that_record_alone",
            "it/spool/damage.rs::a_file_that_is_damaged_under_a_running_logger_loses_what_was_hit",
        ],
    ),
    (
        "a record was written by somebody else",
        &[
            "it/spool/foreign.rs::a_record_from_another_hand_is_checked_field_by_field",
            "it/spool/foreign.rs::a_record_from_another_hand_is_checked_and_redacted",
            "it/spool/foreign.rs::an_id_is_what_the_event_says_and_never_twice_in_a_request",
        ],
    ),
    (
        "files or directories are removed",
        &[
            "it/spool/removed.rs::what_was_removed_is_written_anew_without_being_asked_for",
            "it/spool/removed.rs::a_flush_says_how_many_events_are_gone_for_good",
            "delivery/spooling.rs::each_flush_that_waits_hears_of_what_is_gone_and_else_the_next_one",
        ],
    ),
    (
        "files that are not this user's or not regular, links, pipes",
        &["it/spool/foreign.rs::what_is_no_file_of_ours_is_left_alone_and_counted_once"],
    ),
    (
        "a file is far too large",
        &[
            "it/spool/process.rs::a_file_of_gigabytes_is_not_read_whole",
            "it/spool/damage.rs::events_behind_megabytes_of_damage_are_found",
            "it/spool/damage.rs::a_file_beyond_the_bound_is_read_up_to_it_or_left_alone",
        ],
    ),
    (
        "the spool is full",
        &[
            "it/spool.rs::the_disk_is_bounded_in_bytes_and_the_oldest_make_room",
            "spool/store.rs::a_file_that_cannot_be_removed_counts_until_it_is",
        ],
    ),
    (
        "the clock was wrong",
        &["it/spool/foreign.rs::the_age_of_what_is_read_back_counts_once_the_ingest_has_answered"],
    ),
];

/// The entries of a page's lists, each on one line.
fn entries(page: &str) -> Vec<String> {
    let mut entries: Vec<String> = Vec::new();
    for line in page.lines() {
        if let Some(entry) = line.strip_prefix("- ") {
            entries.push(entry.to_owned());
        } else if let (Some(more), Some(entry)) = (line.strip_prefix("  "), entries.last_mut()) {
            entry.push(' ');
            entry.push_str(more);
        }
    }
    entries
}

/// A merge can bring back an entry that was reworded meanwhile.
#[test]
fn no_two_entries_of_the_changelog_begin_alike() {
    let entries = entries(include_str!("../../CHANGELOG.md"));
    assert!(entries.len() > 100, "{}", entries.len());
    let mut beginnings = BTreeSet::new();
    for entry in &entries {
        let beginning: String = entry.chars().take(24).collect();
        assert!(beginnings.insert(beginning), "twice: {entry}");
    }
}

#[test]
fn the_changelog_and_the_page_of_changes_name_the_same_changes_for_data() {
    let changelog = include_str!("../../CHANGELOG.md");
    let (_, changelog) = changelog
        .split_once("### What changes for your data")
        .unwrap();
    let (changelog, _) = changelog.split_once("\n### ").unwrap();
    let page = include_str!("../../src/guide/changes.md");
    let (_, page) = page
        .split_once("\nCompared with a revision from git")
        .unwrap();
    let names = |text| {
        let entries = entries(text).into_iter();
        entries
            .map(|entry| entry.split("**").nth(1).unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert!(names(page).len() > 5, "{page}");
    assert_eq!(names(changelog), names(page));
}

/// The first cells of the lines that name faults.
fn rows() -> Vec<&'static str> {
    let (faults, _) = PAGE.split_once(COMPARISON).unwrap();
    let cells = faults
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.split(" | ").next());
    cells.filter(|cell| *cell != "fault").collect()
}

/// Whether the source has a function of that name which is a test, be it async or a property, and is run.
fn has_test(source: &str, function: &str) -> bool {
    let head = format!("fn {function}(");
    let mut attributes = Vec::new();
    for line in source.lines().map(str::trim) {
        if line.trim_start_matches("async ").starts_with(&head) {
            let has = |start| attributes.iter().any(|line: &&str| line.starts_with(start));
            return (has("#[test]") || has("#[tokio::test")) && !has("#[ignore");
        }
        if line.starts_with("#[") {
            attributes.push(line);
        } else if !line.starts_with("//") {
            attributes.clear();
        }
    }
    false
}

#[test]
fn every_line_of_the_page_of_failures_is_checked_by_a_test() {
    let rows = rows();
    let named: Vec<_> = CHECKED.iter().map(|(row, _)| *row).collect();
    let unnamed: Vec<_> = rows.iter().filter(|row| !named.contains(row)).collect();
    assert!(unnamed.is_empty(), "no test for: {unnamed:#?}");
    let gone: Vec<_> = named.iter().filter(|row| !rows.contains(row)).collect();
    assert!(gone.is_empty(), "no line of the page: {gone:#?}");
    assert_eq!(rows.len(), named.len(), "a line stands twice");
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (row, tests) in CHECKED {
        assert!(!tests.is_empty(), "no test for: {row}");
        for test in *tests {
            let (file, function) = test.split_once("::").unwrap();
            let dirs = ["tests", "src"].map(|dir| root.join(dir).join(file));
            let source = dirs
                .iter()
                .find_map(|path| std::fs::read_to_string(path).ok());
            let source = source.unwrap_or_else(|| panic!("{row}: no file {file}"));
            assert!(has_test(&source, function), "{row}: no test {test}");
        }
    }
}

/// The attributes that the page of destinations names: in its table, and in its SQL.
fn attributes_of_destinations() -> Vec<&'static str> {
    let page = include_str!("../../src/guide/destinations.md");
    let (of_spans, _) = page.split_once("\n## PostHog\n").unwrap();
    let rows = of_spans.lines().filter(|line| line.starts_with("| `"));
    let cells = rows.filter_map(|row| row.split(" | ").next());
    let in_table = cells.flat_map(|cell| cell.split('`').skip(1).step_by(2));
    let in_sql = page.split("SpanAttributes['").skip(1);
    let in_sql = in_sql.filter_map(|rest| rest.split('\'').next());
    in_table
        .chain(in_sql)
        .filter(|name| !name.contains('<'))
        .collect()
}

#[test]
fn every_attribute_of_the_page_of_destinations_is_one_that_is_sent() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it");
    let golden = ["tool_call", "failed_call", "round", "init", "spans"];
    let files = golden.map(|name| format!("golden/otlp-{name}.json"));
    let files = files.into_iter().chain(["otlp.rs".to_owned()]);
    let sent: String = files
        .map(|file| std::fs::read_to_string(root.join(file)).unwrap())
        .collect();
    let named = attributes_of_destinations();
    assert!(named.len() > 25, "{named:?}");
    let unknown: Vec<_> = named
        .iter()
        .filter(|name| !sent.contains(&format!("\"{name}\"")))
        .collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}

/// The keys that the table of fields names in a column, of which 1 is the first behind the field.
fn keys_in_column(column: usize) -> Vec<&'static str> {
    let (_, table) = CAPTURED
        .split_once("\n## Each field on each wire\n")
        .unwrap();
    let (table, _) = table.split_once("\n## ").unwrap();
    let rows = table.lines().filter(|line| line.starts_with("| "));
    let cells = rows
        .skip(1)
        .map(|row| row.split(" | ").nth(column).unwrap());
    cells
        .flat_map(|cell| cell.split('`').skip(1).step_by(2))
        .collect()
}

/// The names of members that golden bodies of a wire have at these places, where `[]` is each item of a list and `*` each
/// body.
fn golden_keys(wire: &str, places: &[&str]) -> BTreeSet<String> {
    fn collect(value: &Value, path: &[&str], keys: &mut BTreeSet<String>) {
        match (path, value) {
            ([], Value::Object(members)) => keys.extend(members.keys().cloned()),
            (["[]", rest @ ..], Value::Array(items)) => {
                items.iter().for_each(|item| collect(item, rest, keys));
            }
            ([name, rest @ ..], Value::Object(members)) => {
                members
                    .get(*name)
                    .into_iter()
                    .for_each(|value| collect(value, rest, keys));
            }
            _ => {}
        }
    }
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/golden");
    let mut keys = BTreeSet::new();
    for file in files(&golden) {
        let name = file.file_name().unwrap().to_str().unwrap();
        // Those of the Python SDKs say what these send.
        if name.starts_with(wire) && !name.contains("-0.") {
            let body = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
            for place in places {
                let path: Vec<_> = place.split(' ').filter(|name| !name.is_empty()).collect();
                collect(&body, &path, &mut keys);
            }
        }
    }
    keys
}

/// What the table of fields shows as code and is a value.
const VALUES: [&str; 3] = ["exception", "quic", "[]"];

/// The keys that no golden body has, with the test that sees them.
const SEEN_BY: (&[&str], &str) = (
    &["missing_capability", "mcp_usage.missing_capability"],
    "a_missing_capability_is_told_from_a_tool_of_the_same_name_at_every_destination",
);

#[test]
fn each_key_that_is_sent_stands_in_the_table_of_fields_and_each_key_there_is_sent() {
    let (seen, test) = SEEN_BY;
    assert!(has_test(include_str!("rmcp/intent.rs"), test));
    const SPANS: &str = "resourceSpans [] scopeSpans [] spans []";
    let in_list = format!("[] {SPANS}");
    let spans = [SPANS, &in_list, "[]"];
    let within = |places: &[&str]| -> Vec<String> {
        let all = spans.iter().flat_map(|span| {
            let places = places.iter();
            places.map(move |place| format!("{span} {place}"))
        });
        all.collect()
    };
    let otlp = within(&["", "attributes", "status", "events [] attributes"]);
    let resources = ["", "[] "].map(|list| format!("{list}resourceSpans [] resource attributes"));
    let otlp: Vec<_> = otlp.iter().chain(&resources).map(String::as_str).collect();
    let otlp = golden_keys("otlp-", &otlp);
    let own = |key: &str| otlp.contains(&format!("mcp_usage.meta.{key}"));
    let wires = [
        (
            1,
            golden_keys(
                "reo-",
                &[
                    "",
                    "payload",
                    "payload meta",
                    "payload []",
                    "payload [] meta",
                    "[] payload",
                    "[] payload meta",
                    "[] payload []",
                    "[] payload [] meta",
                ],
            ),
            &["meta", "payload"][..],
        ),
        // What holds the others.
        (
            2,
            otlp.clone(),
            &["attributes", "status", "events", "resourceSpans"],
        ),
        (
            3,
            golden_keys(
                "posthog-",
                &[
                    "batch []",
                    "batch [] properties",
                    "batch [] properties $set",
                    "[] batch []",
                    "[] batch [] properties",
                    "[] batch [] properties $set",
                    "[]",
                    "[] properties",
                    "[] properties $set",
                ],
            ),
            &[
                "properties",
                "$set",
                "batch",
                "api_key",
                "historical_migration",
                "sent_at",
            ],
        ),
        (
            4,
            golden_keys("mcpeye-", &["events []", "[] events []"]),
            &[],
        ),
    ];
    for (column, sent, holders) in wires {
        let named = keys_in_column(column);
        assert!(sent.len() > 10 && named.len() > 10, "{column}: {sent:?}");
        let is_named = |key: &str| {
            named.iter().any(|name| match name.split_once('<') {
                Some((prefix, _)) => key.starts_with(prefix),
                None => *name == key,
            })
        };
        let is_known = |key: &&String| {
            is_named(key) || holders.contains(&key.as_str()) || (column == 1 && own(key))
        };
        let unnamed: Vec<_> = sent.iter().filter(|key| !is_known(key)).collect();
        assert!(unnamed.is_empty(), "column {column}: {unnamed:?}");
        let is_sent = |name: &&str| match name.split_once('<') {
            Some((prefix, _)) => sent.iter().any(|key| key.starts_with(prefix)),
            None => sent.contains(*name) || seen.contains(name) || VALUES.contains(name),
        };
        let unsent: Vec<_> = named.iter().filter(|name| !is_sent(name)).collect();
        assert!(unsent.is_empty(), "column {column}: {unsent:?}");
    }
}

#[test]
fn every_setter_of_the_builder_is_on_the_page_of_settings() {
    let page = include_str!("../../src/guide/settings.md");
    let builder = include_str!("../../src/config/builder.rs");
    let table = include_str!("../../src/config/table.rs");
    let setter = Regex::new(r"pub (?:const )?fn (\w+)(?:<[^(]*>)?\(\s*mut self").unwrap();
    let row = Regex::new(r"(?m)^ +(\w+)\(\w+: \w+\) = DEFAULT").unwrap();
    let setters = setter
        .captures_iter(builder)
        .chain(row.captures_iter(table));
    let setters: Vec<_> = setters.map(|found| found[1].to_owned()).collect();
    assert!(setters.len() > 40, "{setters:?}");
    let missing: Vec<_> = setters
        .iter()
        .filter(|name| !page.contains(&format!("`{name}`")))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn every_activity_type_is_on_the_page_of_reo_and_in_the_readme() {
    let pages = [
        include_str!("../../src/guide/reo.md"),
        include_str!("../../README.md"),
    ];
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let name = Regex::new(r#""(MCP_[A-Z_]+)""#).unwrap();
    let files = [
        "event/kind.rs",
        "event/auth_rejected.rs",
        "rmcp/recorder.rs",
        "rmcp/open_request.rs",
    ];
    let sources = files.map(|file| std::fs::read_to_string(root.join("src").join(file)).unwrap());
    let sent: Vec<_> = sources
        .iter()
        .flat_map(|source| name.captures_iter(source))
        .map(|found| found[1].to_owned())
        .collect();
    assert!(sent.len() > 6, "{sent:?}");
    let missing: Vec<_> = sent
        .iter()
        .filter(|name| !pages.iter().all(|page| page.contains(&format!("`{name}`"))))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
    // Only for an ingest of one's own, so that Reo has no use for it.
    let person = std::fs::read_to_string(root.join("src/wire/person.rs")).unwrap();
    let forget = name.captures_iter(&person).last().unwrap()[1].to_owned();
    let page = include_str!("../../src/guide/destinations.md");
    assert!(page.contains(&format!("`{forget}`")), "{forget}");
}
