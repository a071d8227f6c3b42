//! Who computes for TLS: `rustls` has no cryptography of its own, and one provider per process.
//! Both transports ask for it, and start-up settles it where two were compiled in.
//! A program that has a provider must be left with that one: the second comes into its build by us.

use std::sync::Arc;

use rustls::crypto::CryptoProvider;

/// The process's own provider, where one is installed, else ours.
///
/// # Errors
/// If there is none.
pub(crate) fn provider() -> Result<Arc<CryptoProvider>, String> {
    if let Some(of_process) = CryptoProvider::get_default() {
        return Ok(of_process.clone());
    }
    #[cfg(feature = "ring")]
    return Ok(Arc::new(rustls::crypto::ring::default_provider()));
    #[cfg(not(feature = "ring"))]
    Err("nothing computes for TLS (help: enable the feature `ring`, or have the program install its provider of `rustls` before)"
        .to_owned())
}

/// Installs the program's provider where the build has ours beside it and the program left the choice to `rustls`, which panics over two.
/// Returns what to say of it.
///
/// Source: <https://docs.rs/rustls/0.23/rustls/crypto/struct.CryptoProvider.html#using-the-per-process-default-cryptoprovider>
pub(crate) fn settle() -> Option<String> {
    if !cfg!(feature = "ring") || CryptoProvider::get_default().is_some() {
        return None;
    }
    of_program()?.install_default().ok()?;
    Some(
        "`rustls` is compiled with `aws-lc-rs` and, by this crate, with `ring`; the first is now the default of the process, as it is without \
         us, since `rustls` panics where none is chosen\n(help: install a provider before telemetry starts, and this is left alone; or take \
         this crate without its feature `ring`, and it uses the one that is installed)"
            .to_owned(),
    )
}

/// The provider that somebody else had compiled in, if there is one.
fn of_program() -> Option<CryptoProvider> {
    /// For a build without the module of this name: what the glob below brings hides it.
    mod aws_lc_rs {
        #[allow(dead_code)]
        pub(super) fn default_provider() -> Option<super::CryptoProvider> {
            None
        }
    }
    {
        #[allow(unused_imports, reason = "it brings nothing that is used in a build without the module")]
        use rustls::crypto::*;
        #[allow(clippy::useless_conversion, reason = "not with the module of `rustls`")]
        aws_lc_rs::default_provider().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_build_with_one_provider_is_left_alone() {
        assert!(settle().is_none() && CryptoProvider::get_default().is_none());
        assert_eq!(provider().is_ok(), cfg!(feature = "ring"));
        assert!(CryptoProvider::get_default().is_none());
    }
}
