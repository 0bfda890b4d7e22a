//! The store contract: what every backend must do. A function takes a fresh, empty store; those about races
//! take two handles on one store, as two processes have them. A backend is one more line at the end.

mod accounts;
mod attempts;
mod audit;
mod authenticators;
mod certificates;
pub(crate) mod every_row;
mod fail_over;
mod notices;
mod people;
mod plans;
mod postgres_server;
mod races;
pub(crate) mod sample;
mod sessions;
mod sqlite_file;
mod sweep;
mod throttle;
mod whole_or_nothing;

/// Every function of the contract as a test of one backend. `$open` gives a guard that keeps the store's
/// place alive, and two handles.
macro_rules! contract {
    ($backend:ident, $open:path) => {
        mod $backend {
            contract!(@one $open;
                accounts: adding_and_finding a_name_belongs_to_one_account paging_by_login
                    changing_each_part an_account_is_as_expected_or_not nobody_is_changed_who_is_not_there counting_them;
                authenticators: the_first_authenticator_is_the_first a_step_is_spent_once_and_forwards binding_replaces_and_ends_the_snooze
                    removing_takes_the_codes_along emergency_codes_go_one_by_one
                    one_time_code_is_one_and_wears_out codes_are_confirmed;
                attempts: they_move_by_version they_end_by_version_or_by_force those_of_an_account_end_but_one;
                sessions: opening_and_seeing raising_changes_the_token_and_keeps_the_children
                    an_ended_session_is_not_raised a_child_dies_with_its_parent
                    an_expired_session_is_not_there all_but_one_end tickets_are_redeemed_once
                    listing_newest_first hosts_are_told_by_session touching_never_goes_back;
                throttle: five_then_a_pause a_paused_bucket_stops_all_counting forgiving_everything
                    forgiving_one_try the_latest_pause_is_told;
                audit: kept_whole_newest_first counted_by_account_event_and_time;
                notices: each_change_tells keys_rotate_and_tell;
                people: devices_belong_to_one_account the_device_used_longest_ago_makes_room
                    a_session_loses_its_trust_with_the_device
                    mail_is_claimed_by_one_until_the_lease_runs_out
                    links_are_one_of_a_purpose_and_spent_once marks_are_made_once
                    approvals_are_settled_once api_tokens_are_found_by_their_hash
                    adoption_has_one_row_a_day_and_group people_are_found_by_a_part_of_a_name
                    contact_changes_and_keeps_names_apart deletion_waits_for_its_day
                    an_exemption_is_not_lost_to_a_snooze
                    an_initial_password_has_an_end the_trail_is_narrowed
                    failures_in_a_row_outlast_pauses_and_days;
                certificates: certificates_are_one_a_host_and_server
                    an_account_is_made_once_and_forgotten
                    an_order_waits_for_its_lease_and_its_failures;
                whole_or_nothing: a_lost_change_undoes_all_before_it nothing_is_an_empty_commit
                    taken_tokens_and_missing_owners_lose;
                sweep: what_has_run_out_goes_and_the_rest_stays;
            );
            contract!(@two $open;
                races: a_totp_step an_emergency_code a_one_time_code a_ticket an_attempt_s_version
                    a_name tries_never_outrun_the_throttle wrong_codes_are_all_counted
                    notices_are_heard_by_the_other no_notice_is_passed_by an_order
                    one_signing_key_stays_in_use;
            );
        }
    };
    (@one $open:path; $($area:ident: $($name:ident)+;)+) => { $(
        mod $area { $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                let (_place, one, _) = $open().await;
                crate::store::$area::$name(one.as_ref()).await;
            }
        )+ }
    )+ };
    (@two $open:path; $($area:ident: $($name:ident)+;)+) => { $(
        mod $area { $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                let (_place, one, other) = $open().await;
                crate::store::$area::$name([one, other]).await;
            }
        )+ }
    )+ };
}

contract!(sqlite, crate::store::sqlite_file::fresh);
contract!(postgres, crate::store::postgres_server::fresh);
