//! Messages of neighbours, as short as they may be.

use crate::peer::Link;

/// An INVITE from this end of a way, with a branch of its own.
pub(crate) fn invite(link: &Link, call_id: &str, uri: &str) -> String {
    request(link, "INVITE", call_id, uri, "")
}

/// A request inside the dialog that `message` has made or is of: to its Contact, by its Record-Routes from the far end.
pub(crate) fn in_dialog(link: &Link, method: &str, message: &str, is_caller: bool) -> String {
    let contact = address(values(message, "Contact").next().expect("a Contact"));
    let mut routes: Vec<&str> = values(message, "Record-Route").collect();
    if is_caller {
        routes.reverse();
    }
    let call_id = values(message, "Call-ID").next().expect("a Call-ID");
    let routes: String = routes.iter().map(|route| format!("Route: {route}\r\n")).collect();
    let tags = if is_caller { ["1", "2"] } else { ["2", "1"] };
    request_with(link, method, call_id, contact, &routes, tags)
}

fn request(link: &Link, method: &str, call_id: &str, uri: &str, more: &str) -> String {
    request_with(link, method, call_id, uri, more, ["1", ""])
}

fn request_with(link: &Link, method: &str, call_id: &str, uri: &str, more: &str, tags: [&str; 2]) -> String {
    let (local, transport) = (link.local, link.transport);
    let scheme = uri.split(':').next().unwrap_or_default();
    let to_tag = if tags[1].is_empty() { String::new() } else { format!(";tag={}", tags[1]) };
    format!(
        "{method} {uri} SIP/2.0\r\nVia: SIP/2.0/{transport} {local};branch=z9hG4bK{call_id}{method}\r\nMax-Forwards: 70\r\n\
         From: <sip:48600100200@a.example>;tag={}\r\nTo: <sip:48221234567@b.example>{to_tag}\r\nCall-ID: {call_id}\r\n\
         CSeq: 1 {method}\r\nContact: <{scheme}:48600100200@{local};transport={}>\r\n{more}Content-Length: 0\r\n\r\n",
        tags[0],
        transport.to_ascii_lowercase()
    )
}

/// The answer of this end to a request.
pub(crate) fn answer(link: &Link, request: &str, status: &str) -> String {
    let mut text = format!("SIP/2.0 {status}\r\n");
    for line in request.lines() {
        match line.split(':').next().unwrap_or_default() {
            "Via" | "From" | "Call-ID" | "CSeq" | "Record-Route" => text += &format!("{line}\r\n"),
            "To" if line.contains(";tag=") => text += &format!("{line}\r\n"),
            "To" => text += &format!("{line};tag=2\r\n"),
            _ => {}
        }
    }
    let scheme = request.split([' ', ':']).nth(1).unwrap_or_default();
    let transport = link.transport.to_ascii_lowercase();
    text + &format!("Contact: <{scheme}:callee@{};transport={transport}>\r\nContent-Length: 0\r\n\r\n", link.local)
}

/// The values of a header, one a line.
pub(crate) fn values<'m>(message: &'m str, name: &str) -> impl Iterator<Item = &'m str> {
    message.lines().filter_map(move |line| line.split_once(": ").filter(|(it, _)| *it == name).map(|(_, value)| value))
}

fn address(value: &str) -> &str {
    value.split(['<', '>']).nth(1).expect("an address")
}
