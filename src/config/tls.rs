//! Certificates: `OTEL_EXPORTER_OTLP_*CERTIFICATE` and the key that goes with the client's.
//! The reader of a receiver's variables calls it where records, metrics or traces go there.
//! A file that cannot be used never means less protection: then nothing is sent there, and that is said with variable and file.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use super::variables::Variables;
use crate::escape;
use crate::export::{Pem, Tls, tls};

/// Longer than any file of certificates.
const MAX_BYTES: u64 = 4 << 20;

/// What the files of a receiver hold. Of `prefixes` the first that has a variable counts, for each variable by itself.
pub(super) fn read(variables: &mut Variables<'_>, prefixes: &[&str], url: &str) -> Result<Tls, String> {
    let find = |variables: &Variables<'_>, what: &str| {
        prefixes.iter().map(|prefix| format!("{prefix}{what}")).find_map(|name| variables.path(&name).map(|path| (name, path)))
    };
    let roots = find(variables, "CERTIFICATE");
    let certificate = find(variables, "CLIENT_CERTIFICATE");
    let key = find(variables, "CLIENT_KEY");
    if !url.starts_with("https://") {
        for (name, _) in [roots, certificate, key].into_iter().flatten() {
            variables.reject(&name, "nothing is encrypted on the way to an `http://` endpoint (write `https://`)".to_owned());
        }
        return Ok(Tls::default());
    }
    let roots = match &roots {
        Some((name, path)) => Some(load(variables, name, path, |pem| tls::roots(pem).map(drop))?),
        None => None,
    };
    let identity = match (&certificate, &key) {
        (None, None) => None,
        (Some((name, path)), Some((key_name, key_path))) => {
            let certificates = load(variables, name, path, |pem| tls::certificates(pem).map(drop))?;
            let key = load(variables, key_name, key_path, |pem| tls::key(pem).map(drop))?;
            if let Err(why) = tls::belong_together(tls::certificates(&certificates)?, tls::key(&key)?) {
                // It is the certificate's fault then, not the key's.
                let (name, path, why) = match why.contains("UnsupportedCertVersion") {
                    true => (name, path, "it is an X.509 certificate of version 1, and version 3 is needed"),
                    false => (key_name, key_path, why.as_str()),
                };
                return Err(unusable(variables, name, path, why));
            }
            Some((certificates, key))
        }
        (Some((name, _)), None) => return Err(refuse(variables, name, "a client certificate needs its key: set `…_CLIENT_KEY`, too")),
        (None, Some((name, _))) => {
            return Err(refuse(variables, name, "a client key needs its certificate: set `…_CLIENT_CERTIFICATE`, too"));
        }
    };
    Ok(Tls { roots, identity })
}

/// A file that `check` finds nothing wrong with.
fn load(variables: &mut Variables<'_>, name: &str, path: &Path, check: impl FnOnce(&Pem) -> Result<(), String>) -> Result<Pem, String> {
    let loaded = bytes(path).and_then(|pem| check(&pem).map(|()| pem));
    loaded.map_err(|why| unusable(variables, name, path, &why))
}

fn unusable(variables: &mut Variables<'_>, name: &str, path: &Path, why: &str) -> String {
    refuse(variables, name, &format!("`{}` cannot be used: {why}", escape::text(&path.to_string_lossy())))
}

fn bytes(path: &Path) -> Result<Pem, String> {
    // A pipe could keep us waiting for ever.
    let metadata = path.metadata().map_err(|error| error.to_string())?;
    if !metadata.is_file() {
        return Err("it is no file".to_owned());
    }
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(MAX_BYTES).read_to_end(&mut bytes)).map_err(|error| error.to_string())?;
    Ok(Pem::new(bytes))
}

/// Says once what is wrong; what stands in the way of sending comes back.
fn refuse(variables: &mut Variables<'_>, name: &str, why: &str) -> String {
    variables.refuse(name, why.to_owned());
    format!("{name}: {why}")
}
