//! TLS: whom we trust and what we show of ourselves, and what a handshake that failed means to people.
//! Both transports ask it; the configuration asks it whether a file can be used at all.
//! It must never trust anybody whom neither the system nor the operator named, and never show a key.

use std::error::Error;
use std::io;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use rustls::{CertificateError, Error as TlsError, RootCertStore};

use super::provider::provider;
use crate::export::retry::Answer;
use crate::export::settings::Pem;

/// The certificates of a file of CAs.
///
/// # Errors
/// If there is none that can be used.
pub(crate) fn roots(pem: &Pem) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    let (added, _) = roots.add_parsable_certificates(certificates(pem)?);
    if added == 0 {
        return Err("its certificates cannot be read".to_owned());
    }
    Ok(roots)
}

/// The certificates of a file of them.
///
/// # Errors
/// If there is none, or a block is damaged.
pub(crate) fn certificates(pem: &Pem) -> Result<Vec<CertificateDer<'static>>, String> {
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.expose()).collect();
    let certificates = certificates.map_err(|error| format!("it is no PEM file: {error}"))?;
    match certificates.is_empty() {
        true => Err("it holds no `-----BEGIN CERTIFICATE-----`".to_owned()),
        false => Ok(certificates),
    }
}

/// The key of a file that holds one.
///
/// # Errors
/// If there is none; the text says nothing of what the file holds.
pub(crate) fn key(pem: &Pem) -> Result<PrivateKeyDer<'static>, String> {
    let key = PrivateKeyDer::from_pem_slice(pem.expose()).ok();
    key.ok_or_else(|| "it holds no `-----BEGIN PRIVATE KEY-----` (an encrypted key cannot be used)".to_owned())
}

/// Whether key and certificates belong together.
///
/// # Errors
/// If they do not, or the key is of a kind that is not known.
pub(crate) fn belong_together(certificates: Vec<CertificateDer<'static>>, key: PrivateKeyDer<'static>) -> Result<(), String> {
    let made = CertifiedKey::from_der(certificates, key, &*provider()?);
    made.map(drop).map_err(|error| match error {
        TlsError::InconsistentKeys(_) => "the key is not that of the certificate".to_owned(),
        error => error.to_string(),
    })
}

/// What an attempt brought that ended in this error. `what` is what the error and its causes say.
pub(super) fn failed(error: &(dyn Error + 'static), what: String) -> Answer {
    if let Some(TlsError::InvalidCertificate(why)) = find(error) {
        return Answer::None { what: format!("{}: {what}", help(why)) };
    }
    // HTTP/2 keeps nothing of such an error but its text.
    let alert = what.split_once("received fatal alert: ").map(|(_, alert)| alert);
    if alert.is_some_and(|alert| OF_OUR_CERTIFICATE.iter().any(|known| alert.starts_with(known))) {
        // It took nothing then, though the request may have been on its way already.
        let what = format!("the receiver wants another client certificate (OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE, _CLIENT_KEY): {what}");
        return Answer::Later { after: None, what };
    }
    Answer::None { what }
}

/// Alerts by which a receiver says what it thinks of our certificate.
const OF_OUR_CERTIFICATE: [&str; 9] = [
    "AccessDenied",
    "BadCertificate",
    "CertificateExpired",
    "CertificateRequired",
    "CertificateRevoked",
    "CertificateUnknown",
    "NoCertificate",
    "UnknownCA",
    "UnsupportedCertificate",
];

fn help(why: &CertificateError) -> &'static str {
    match why {
        CertificateError::UnknownIssuer => "the receiver's certificate is signed by nobody who is trusted (OTEL_EXPORTER_OTLP_CERTIFICATE)",
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "the receiver's certificate is for another host"
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "the receiver's certificate has expired",
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => "the receiver's certificate is not valid yet",
        // The library says so in a type that it keeps to itself.
        other if format!("{other:?}").contains("CaUsedAsEndEntity") => {
            "the receiver's certificate is that of an authority: it must show one that is signed by it"
        }
        _ => "the receiver's certificate is not accepted",
    }
}

/// What TLS says in a chain of causes. An `io::Error` does not count what it holds among its causes.
fn find<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a TlsError> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<TlsError>() {
            return Some(found);
        }
        let held = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = held.map(|held| held as &(dyn Error + 'static)).or_else(|| error.source());
    }
    None
}
