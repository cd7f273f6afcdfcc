use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::*;
use crate::key::Identity;

fn text(parts: &[&[u8]]) -> String {
    let mut blob = Vec::new();
    for part in parts {
        blob.extend_from_slice(&u32::try_from(part.len()).unwrap().to_be_bytes());
        blob.extend_from_slice(part);
    }
    format!("{} {}", str::from_utf8(parts[0]).unwrap(), STANDARD.encode(blob))
}

#[test]
fn every_plain_type_is_kept_with_its_bytes() {
    let point = |len: usize| [&[4][..], &vec![7; len - 1]].concat();
    for parts in [
        &[&b"ssh-ed25519"[..], &[7; 32]][..],
        &[b"sk-ssh-ed25519@openssh.com", &[7; 32], b"ssh:"],
        &[b"ssh-rsa", &[1, 0, 1], &[7; 257]],
        &[b"ssh-dss", &[7; 129], &[7; 21], &[7; 128], &[7; 128]],
        &[b"ecdsa-sha2-nistp256", b"nistp256", &point(65)],
        &[b"ecdsa-sha2-nistp384", b"nistp384", &point(97)],
        &[b"ecdsa-sha2-nistp521", b"nistp521", &point(133)],
        &[b"sk-ecdsa-sha2-nistp256@openssh.com", b"nistp256", &point(65), b"ssh:"],
        &[b"ssh-mldsa44-ed25519@openssh.com", b"whatever"],
    ] {
        let text = text(parts);
        let line = format!("{text} \t a comment ");
        let (key, comment) = KeyText::parse(line.as_bytes()).unwrap();
        assert_eq!(key.key_type().as_bytes(), parts[0]);
        assert_eq!(comment, b"a comment ");
        assert_eq!(text, format!("{} {}", key.key_type(), STANDARD.encode(key.blob())));
    }
}

#[test]
fn keys_without_the_form_of_their_type_are_refused() {
    for parts in [
        &[&b"ssh-ed25519"[..]][..],
        &[b"ssh-ed25519", &[7; 31]],
        &[b"ssh-ed25519", &[7; 33]],
        &[b"ssh-ed25519", &[7; 32], b""],
        &[b"sk-ssh-ed25519@openssh.com", &[7; 32]],
        &[b"ssh-rsa", &[1, 0, 1]],
        &[b"ssh-rsa", &[1, 0, 1], b""],
        &[b"ssh-rsa", &[1, 0, 1], &[&[0, 127][..], &[7; 127]].concat()],
        &[b"ssh-dss", b"p", b"q", b"g"],
        &[b"ecdsa-sha2-nistp256", b"nistp384", &[4; 65]],
        &[b"ecdsa-sha2-nistp256", b"nistp256", &[4; 64]],
        &[b"ecdsa-sha2-nistp256", b"nistp256", &[2; 65]],
        &[b"ssh-ed25519-cert-v01@openssh.com"],
        &[b"ssh-ed25519-cert-v01@openssh.com", b"nonce", b"whatever"],
    ] {
        let key_type = str::from_utf8(parts[0]).unwrap();
        let fault = KeyText::parse(text(parts).as_bytes()).unwrap_err();
        assert_eq!(fault, LineFault::MalformedKey { key_type: key_type.to_owned() });
    }
    // A byte behind the last field.
    let mut blob =
        KeyText::parse(text(&[b"ssh-rsa", b"e", &[128; 128]]).as_bytes()).unwrap().0.blob.to_vec();
    blob.push(0);
    let line = format!("ssh-rsa {}", STANDARD.encode(blob));
    assert!(matches!(KeyText::parse(line.as_bytes()), Err(LineFault::MalformedKey { .. })));
}

#[test]
fn separators() {
    let key = Identity::generate().unwrap().public_key().to_string();
    let (name, base64) = key.split_once(' ').unwrap();
    for good in [
        format!("{name}\t \t{base64}"),
        format!("{name} {base64}\t"),
        format!("{name} {base64}\r"),
        format!("{name} {base64} # not a comment of ours"),
    ] {
        assert_eq!(
            KeyText::parse(good.as_bytes()).unwrap().0.public_key().unwrap().to_string(),
            key
        );
    }
    for bad in [
        "".to_owned(),
        name.to_owned(),
        format!(" {key}"),
        format!("{name}\u{a0}{base64}"),
        format!("{name},{base64}"),
        format!("{}{base64}", key.to_uppercase()),
        format!("ED25519 {base64}"),
        format!("ssh-rsa {base64}"),
        format!("{name} {base64}A"),
        format!("{name} {}", &base64[..base64.len() - 4]),
    ] {
        assert!(KeyText::parse(bad.as_bytes()).is_err(), "{bad}");
    }
}

#[test]
fn a_weak_key_is_kept_and_never_given_out() {
    let identity_point = [&[1][..], &[0; 31]].concat();
    let (key, _) = KeyText::parse(text(&[b"ssh-ed25519", &identity_point]).as_bytes()).unwrap();
    assert_eq!(key.public_key(), Err(KeyError::InvalidPoint));
}
