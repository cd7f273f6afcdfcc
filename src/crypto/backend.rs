//! The libraries, and which of them serves which primitive.

#[cfg(feature = "aws-lc-rs")]
pub(super) mod aws_lc;
#[cfg(any(test, target_family = "wasm"))]
pub(super) mod chacha;
pub(super) mod dalek;
pub(super) mod libcrux;
#[cfg(not(target_family = "wasm"))]
pub(super) mod ring;

#[cfg(feature = "aws-lc-rs")]
mod selected {
    pub(crate) use super::aws_lc::{
        AwsLcAead as SelectedAead, AwsLcKem as SelectedKem, AwsLcSigning as SelectedSigning,
        AwsLcVerifying as SelectedVerifying, AwsLcX25519 as SelectedX25519,
    };
}

#[cfg(not(feature = "aws-lc-rs"))]
mod selected {
    #[cfg(target_family = "wasm")]
    pub(crate) use super::chacha::ChaChaAead as SelectedAead;
    pub(crate) use super::dalek::{
        DalekSigning as SelectedSigning, DalekVerifying as SelectedVerifying,
        DalekX25519 as SelectedX25519,
    };
    pub(crate) use super::libcrux::LibcruxKem as SelectedKem;
    #[cfg(not(target_family = "wasm"))]
    pub(crate) use super::ring::RingAead as SelectedAead;
}

pub(super) use selected::{
    SelectedAead, SelectedKem, SelectedSigning, SelectedVerifying, SelectedX25519,
};
