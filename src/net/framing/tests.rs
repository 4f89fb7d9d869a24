use proptest::prelude::*;

use super::*;

/// All frames of a stream that comes in these pieces, and how it ended.
fn frames<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> (Vec<Frame>, Result<(), Broken>) {
    let mut framer = Framer::default();
    let mut frames = Vec::new();
    for piece in pieces {
        framer.buffer().extend_from_slice(piece);
        loop {
            match framer.next() {
                Ok(Some(frame)) => frames.push(frame),
                Ok(None) => break,
                Err(broken) => return (frames, Err(broken)),
            }
        }
    }
    (frames, Ok(()))
}

fn message(bytes: &[u8]) -> Frame {
    Frame::Message(Bytes::copy_from_slice(bytes))
}

const BYE: &[u8] = b"BYE sip:a@b SIP/2.0\r\nCall-ID: 1\r\nContent-Length: 0\r\n\r\n";
const INFO: &[u8] = b"INFO sip:a@b SIP/2.0\r\nl: 5\r\nX: y\r\n\r\n\r\n\r\n.";

#[test]
fn two_messages_in_one_read_are_two() {
    let stream = [BYE, INFO].concat();
    assert_eq!(frames([&stream[..]]), (vec![message(BYE), message(INFO)], Ok(())));
}

#[test]
fn a_message_in_single_bytes_is_one() {
    let stream = [INFO, BYE].concat();
    assert_eq!(frames(stream.chunks(1)), (vec![message(INFO), message(BYE)], Ok(())));
}

#[test]
fn two_line_ends_between_messages_are_a_keep_alive() {
    let stream = [b"\r\n\r\n", BYE, b"\r\n", INFO, b"\r\n\r\n\r\n"].concat();
    let expected = vec![Frame::KeepAlive, message(BYE), message(INFO), Frame::KeepAlive];
    assert_eq!(frames([&stream[..]]), (expected.clone(), Ok(())));
    assert_eq!(frames(stream.chunks(1)), (expected, Ok(())));
}

#[test]
fn a_folded_content_length_is_read() {
    let stream: &[u8] = b"BYE sip:a@b SIP/2.0\r\ncontent-LENGTH \t: \r\n 3\r\n\r\nabc";
    assert_eq!(frames([stream]), (vec![message(stream)], Ok(())));
}

#[test]
fn a_continuation_of_another_header_is_no_content_length() {
    let stream: &[u8] = b"BYE sip:a@b SIP/2.0\r\nl: 1\r\nSubject: x\r\n l: 3\r\n\r\na";
    assert_eq!(frames([stream]), (vec![message(stream)], Ok(())));
}

#[test]
fn a_missing_doubled_or_malformed_content_length_breaks_the_stream() {
    for header in
        ["", "l: 0\r\nContent-Length: 0\r\n", "l: \r\n", "l: -1\r\n", "l: 1 2\r\n", "l: 0x1\r\n", "l: 1\r\n 2\r\n"]
    {
        let stream = format!("BYE sip:a@b SIP/2.0\r\n{header}\r\n");
        assert_eq!(frames([stream.as_bytes()]), (vec![], Err(Broken::Length)), "{header:?}");
    }
}

#[test]
fn a_declared_length_is_not_reserved() {
    let mut framer = Framer::default();
    framer.buffer().extend_from_slice(b"BYE sip:a@b SIP/2.0\r\nl: 65000\r\n\r\n");
    assert_eq!(framer.next(), Ok(None));
    assert!(framer.is_amid_message());
    assert!(framer.buffer().capacity() < 1024);
}

#[test]
fn a_length_beyond_the_limit_breaks_the_stream() {
    for length in ["65535", "99999999999999999999999999", "18446744073709551615"] {
        let stream = format!("BYE sip:a@b SIP/2.0\r\nl: {length}\r\n\r\n");
        assert_eq!(frames([stream.as_bytes()]), (vec![], Err(Broken::TooLong)), "{length}");
    }
}

#[test]
fn headers_without_end_break_the_stream_at_the_limit() {
    let line = b"X-Filler: 0123456789012345678901234567890123456789\r\n";
    let stream = line.repeat(MAX_MESSAGE / line.len() + 1);
    assert_eq!(frames(stream.chunks(1000)), (vec![], Err(Broken::TooLong)));
    let line = vec![b'x'; MAX_MESSAGE + 1];
    assert_eq!(frames(line.chunks(1000)), (vec![], Err(Broken::TooLong)));
}

#[test]
fn the_longest_message_passes() {
    let head = "BYE sip:a@b SIP/2.0\r\nl: 65493\r\n\r\n";
    let mut stream = head.as_bytes().to_vec();
    stream.resize(head.len() + 65_493, b'.');
    assert!(stream.len() <= MAX_MESSAGE);
    assert_eq!(frames(stream.chunks(4096)), (vec![message(&stream)], Ok(())));
}

#[test]
fn a_bare_line_feed_breaks_the_stream_at_once() {
    for stream in [&b"BYE sip:a@b SIP/2.0\nl: 0\n\n"[..], b"\n", b"\rBYE", b"BYE sip:a@b SIP/2.0\r\n\n"] {
        assert_eq!(frames([stream]), (vec![], Err(Broken::BareLineEnd)), "{stream:?}");
    }
}

#[test]
fn what_remains_of_a_broken_message_can_be_answered() {
    let mut framer = Framer::default();
    let stream = b"BYE sip:a@b SIP/2.0\r\nVia: x\r\n\r\n";
    framer.buffer().extend_from_slice(stream);
    assert_eq!(framer.next(), Err(Broken::Length));
    assert_eq!(framer.remains(), &stream[..]);
}

proptest! {
    #[test]
    fn how_a_stream_is_cut_changes_nothing(
        bodies in proptest::collection::vec((0usize..3, proptest::collection::vec(any::<u8>(), 0..60)), 0..6),
        garbage in proptest::collection::vec(proptest::sample::select(&b"\r\n :lL012a"[..]), 0..20),
        cuts in proptest::collection::vec(1usize..40, 1..40),
    ) {
        let mut stream = Vec::new();
        for (blank, body) in &bodies {
            stream.extend_from_slice(&b"\r\n".repeat(*blank));
            stream.extend_from_slice(format!("INFO sip:a@b SIP/2.0\r\nl: {}\r\n\r\n", body.len()).as_bytes());
            stream.extend_from_slice(body);
        }
        stream.extend_from_slice(&garbage);
        let mut pieces = Vec::new();
        let mut rest = &stream[..];
        for cut in cuts.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (piece, after) = rest.split_at((*cut).min(rest.len()));
            pieces.push(piece);
            rest = after;
        }
        let whole = frames([&stream[..]]);
        prop_assert_eq!(frames(pieces), whole.clone());
        let messages = whole.0.iter().filter(|frame| matches!(frame, Frame::Message(_))).count();
        prop_assert!(messages >= bodies.len());
    }

    #[test]
    fn no_bytes_make_the_framer_panic_or_hold_more_than_a_message(
        pieces in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..200), 0..20),
    ) {
        let mut framer = Framer::default();
        'stream: for piece in &pieces {
            framer.buffer().extend_from_slice(piece);
            loop {
                match framer.next() {
                    Ok(Some(_)) => {}
                    Ok(None) => break,
                    Err(_) => break 'stream,
                }
            }
            prop_assert!(framer.buffer().len() < MAX_MESSAGE);
        }
        prop_assert!(framer.remains().len() <= MAX_MESSAGE);
    }
}
