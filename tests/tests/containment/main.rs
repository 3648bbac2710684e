//! Containment: every guest of `plugins/guests` against the engine, one test each, named as the guest. Counts are
//! those of a quick run, and nothing here looks at a clock.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod faults;
mod imports;
mod inferences;
mod nonsense;
mod rig;
mod well_behaved;
mod worlds;

use faults::{alloc_in_describe, handle_leak, huge_describe, huge_string, r#loop, memory_bomb, recursion, trap};
use imports::{ungranted, wasi};
use inferences::inference;
use nonsense::{bad_row, nan, oversize, proposal_out_of_range, wrong_describe};
use well_behaved::{adviser, counter, echo, slow, stepper, zscore};
use worlds::{inspector, orderer, planner};

dinrail_tests::assert_every_guest_tested!();
