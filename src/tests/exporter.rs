//! Values that both ends derive for the application.

use super::pair::Setup;
use crate::error::{Error, Misuse};

/// [SCHED-3] [SCHED-4] [SCHED-6]
#[test]
fn both_ends_export_the_same_and_other_labels_contexts_and_lengths_give_other_values() {
    for setup in Setup::all() {
        let (client, server) = setup.established();
        let client = client.established;
        let export = |label: &str, context: &[u8], len: usize| {
            let (mut a, mut b) = (vec![0; len], vec![0; len]);
            client.export(label, context, &mut a).unwrap();
            server.export(label, context, &mut b).unwrap();
            assert_eq!(a, b, "{label}");
            a
        };
        let values = [
            export("channel binding", b"", 32),
            export("channel binding", b"x", 32),
            export("Channel binding", b"", 32),
            export("", b"", 32),
            export("channel binding", b"", 33)[..32].to_vec(),
        ];
        for (at, value) in values.iter().enumerate() {
            assert_ne!(value, &vec![0; 32]);
            assert!(!values[..at].contains(value), "{at}");
        }
        export("big", &[7; 100_000], 8160);
        export(&"l".repeat(251), b"", 1);
        for established in [&client, &server] {
            for label in ["opaque", "host key"] {
                let refused = established.export(label, b"", &mut [0; 32]);
                assert_eq!(refused, Err(Error::Misuse(Misuse::ReservedLabel)));
            }
            let long = Err(Error::Misuse(Misuse::ExportLength));
            assert_eq!(established.export("big", b"", &mut [0; 8161]), long);
            assert_eq!(established.export("big", b"", &mut [0; 65_536]), long);
            assert_eq!(established.export(&"l".repeat(252), b"", &mut [0; 1]), long);
        }
    }
    let other = Setup { seed: 8, ..Setup::classical() };
    let (mut a, mut b) = ([0; 32], [0; 32]);
    Setup::classical().established().1.export("x", b"", &mut a).unwrap();
    other.established().1.export("x", b"", &mut b).unwrap();
    assert_ne!(a, b, "another connection, another value");
}
