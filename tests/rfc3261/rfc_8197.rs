//! RFC 8197: 607 Unwanted, as far as a proxy passes it on. When we answer it ourselves is in `src/screen/tests/answers.rs`.
//!
//! | requirement | test |
//! | --- | --- |
//! | 4: it is a 6xx: it goes to the caller, and ends the search for another way | `a_607_passes_unchanged_and_no_other_target_is_tried` |
//! | 4: only who decides for the called party sends it | the config refuses it for lists that are not personal |

use crate::helpers::{CALLEE, failing_over_on, forwarded, passed_on, refusal};
use crate::stage::invite;

#[test]
fn a_607_passes_unchanged_and_no_other_target_is_tried() {
    let mut stage = failing_over_on("[503, 480]");
    let sent = forwarded(&mut stage, &invite(9));
    let answer = refusal(&sent, "607 Unwanted", "Reason: SIP;cause=607;text=\"no, thanks\"\nServer: x/1\n");
    assert_eq!(passed_on(&mut stage, CALLEE, &answer), answer.expected);
}
