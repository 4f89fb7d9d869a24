//! The INVITE that benchmarks and the test of allocations read: 650 bytes, as carriers send them.

/// With SDP, eleven header fields.
pub(crate) const INVITE: &str = "INVITE sip:+48221234567@203.0.113.5:5060;user=phone SIP/2.0\r\n\
    Via: SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bK0g4i2u30d8f1kj0a5e51.1;rport\r\n\
    Max-Forwards: 69\r\n\
    From: \"Jan Kowalski\" <sip:+48600100200@198.51.100.7;user=phone>;tag=SD4v1ha01-as5e7c\r\n\
    To: <sip:+48221234567@203.0.113.5;user=phone>\r\n\
    Call-ID: SD4v1ha01-7c1a2f0d9b@198.51.100.7\r\n\
    CSeq: 1023 INVITE\r\n\
    Contact: <sip:+48600100200@198.51.100.7:5060;transport=udp>\r\n\
    P-Asserted-Identity: <sip:+48600100200@198.51.100.7>\r\n\
    Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, INFO\r\n\
    Content-Type: application/sdp\r\n\
    Content-Length: 80\r\n\r\n\
    v=0\r\no=- 1 1 IN IP4 198.51.100.7\r\ns=-\r\nc=IN IP4 198.51.100.7\r\nt=0 0\r\nm=audio 4\r\n";
