//! OTLP-JSON lines: each batch one line, in a file or on stdout.
//! Start-up opens it, the export thread writes.
//! The file is the user's alone, never longer than its bound by more than a line, and a line that was cut by an error never swallows the next.

use std::fs::{File, FileType, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;

use crate::export::{LocalSink, SinkError, logs_json, metrics_json, traces_json};

/// Size past which a file is set aside.
const MAX_BYTES: u64 = 64 << 20;

/// Writes OTLP-JSON lines.
#[derive(Debug)]
pub(crate) struct JsonLines(Output);

#[derive(Debug)]
enum Output {
    Stdout,
    Stderr,
    File(RotatedFile),
}

impl JsonLines {
    /// Opens a file to append to, made for its owner alone; `-` is stdout, and so are the names that systems have for the standard streams.
    ///
    /// # Errors
    /// What the system says where it cannot be opened, and where it is neither a file nor a character device: to open a pipe waits for its
    /// reader, and so may each write.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let output = match path.to_str() {
            Some("-" | "/dev/stdout") => Output::Stdout,
            Some("/dev/stderr") => Output::Stderr,
            _ => Output::File(RotatedFile::open(path, MAX_BYTES)?),
        };
        Ok(JsonLines(output))
    }

    fn line(&mut self, json: Result<String, String>) -> Result<(), SinkError> {
        let mut line = json.map_err(SinkError)?;
        line.push('\n');
        match &mut self.0 {
            Output::Stdout => {
                let mut stdout = io::stdout().lock();
                stdout.write_all(line.as_bytes())?;
                stdout.flush()?;
            }
            Output::Stderr => io::stderr().write_all(line.as_bytes())?,
            Output::File(file) => file.write(line.as_bytes())?,
        }
        Ok(())
    }
}

impl LocalSink for JsonLines {
    fn name(&self) -> &'static str {
        "file"
    }

    fn logs(&mut self, request: &ExportLogsServiceRequest) -> Result<(), SinkError> {
        self.line(logs_json(request))
    }

    fn traces(&mut self, request: &ExportTraceServiceRequest) -> Result<(), SinkError> {
        self.line(traces_json(request))
    }

    fn metrics(&mut self, request: &ExportMetricsServiceRequest) -> Result<(), SinkError> {
        self.line(metrics_json(request))
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        // Each line went to the system whole; nothing is held back.
        Ok(())
    }
}

/// A file that makes room for itself: `PATH` becomes `PATH.1`, that becomes `PATH.2`, and the older one goes.
#[derive(Debug)]
struct RotatedFile {
    path: PathBuf,
    file: File,
    size: u64,
    max: u64,
    /// Devices are written to and otherwise left alone.
    regular: bool,
    /// The last write stopped inside a line.
    cut: bool,
}

impl RotatedFile {
    fn open(path: &Path, max: u64) -> io::Result<Self> {
        if let Ok(there) = std::fs::metadata(path) {
            expect_writable(there.file_type())?;
        }
        let file = create(path)?;
        let metadata = file.metadata()?;
        expect_writable(metadata.file_type())?;
        let regular = metadata.is_file();
        if regular {
            make_private(&file)?;
        }
        Ok(RotatedFile { path: path.to_owned(), file, size: metadata.len(), max, regular, cut: false })
    }

    fn write(&mut self, line: &[u8]) -> io::Result<()> {
        if self.regular && self.size > 0 && self.size + line.len() as u64 > self.max {
            self.rotate()?;
        }
        if self.cut {
            self.file.write_all(b"\n")?;
            self.cut = false;
        }
        if let Err(error) = self.file.write_all(line) {
            self.cut = true;
            self.size = self.file.metadata().map_or(self.size, |metadata| metadata.len());
            return Err(error);
        }
        self.size += line.len() as u64;
        Ok(())
    }

    fn rotate(&mut self) -> io::Result<()> {
        let older = |number: u8| {
            let mut name = self.path.as_os_str().to_owned();
            name.push(format!(".{number}"));
            PathBuf::from(name)
        };
        match std::fs::rename(older(1), older(2)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        std::fs::rename(&self.path, older(1))?;
        *self = RotatedFile::open(&self.path, self.max)?;
        Ok(())
    }
}

fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Whether writing there cannot wait for anybody.
fn expect_writable(there: FileType) -> io::Result<()> {
    let what = match there {
        there if there.is_file() => return Ok(()),
        there if there.is_dir() => "a folder",
        there => match special(there) {
            Some(what) => what,
            None => return Ok(()),
        },
    };
    let expected = "expected the path of a file, a character device, or `-` for stdout";
    Err(io::Error::new(io::ErrorKind::InvalidInput, format!("it is {what} ({expected})")))
}

/// What may not be written to, by name.
#[cfg(unix)]
fn special(there: FileType) -> Option<&'static str> {
    use std::os::unix::fs::FileTypeExt as _;
    match there {
        there if there.is_fifo() => Some("a pipe, which would wait for a reader"),
        there if there.is_socket() => Some("a socket"),
        there if there.is_block_device() => Some("a block device"),
        _ => None,
    }
}

/// Other systems have none of these.
#[cfg(not(unix))]
fn special(_: FileType) -> Option<&'static str> {
    None
}

/// A file that was there before may be open to others.
fn make_private(file: &File) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        if file.metadata()?.permissions().mode() & 0o777 != 0o600 {
            file.set_permissions(std::fs::Permissions::from_mode(0o600))?;
        }
    }
    let _ = file;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let folder = std::env::temp_dir().join(format!("tracing-weaver-{name}-{}", std::process::id()));
            std::fs::create_dir_all(&folder).unwrap();
            Folder(folder)
        }

        fn read(&self, name: &str) -> Option<String> {
            std::fs::read_to_string(self.0.join(name)).ok()
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn a_full_file_is_set_aside_and_two_older_ones_are_kept() {
        let folder = Folder::new("rotation");
        let mut file = RotatedFile::open(&folder.0.join("f"), 10).unwrap();
        for line in ["one\n", "two\n", "three\n", "four\n", "a line longer than the bound\n", "five\n"] {
            file.write(line.as_bytes()).unwrap();
        }
        assert_eq!(folder.read("f").as_deref(), Some("five\n"));
        assert_eq!(folder.read("f.1").as_deref(), Some("a line longer than the bound\n"));
        assert_eq!(folder.read("f.2").as_deref(), Some("four\n"), "three is gone");
        assert_eq!(folder.read("f.3"), None);
    }

    #[test]
    fn what_a_file_held_before_counts_and_stays() {
        let folder = Folder::new("append");
        std::fs::write(folder.0.join("f"), "12345678\n").unwrap();
        let mut file = RotatedFile::open(&folder.0.join("f"), 10).unwrap();
        file.write(b"new\n").unwrap();
        assert_eq!(folder.read("f").as_deref(), Some("new\n"));
        assert_eq!(folder.read("f.1").as_deref(), Some("12345678\n"));
    }

    #[cfg(unix)]
    #[test]
    fn a_file_is_its_owners_alone_whether_it_was_there_before_or_not() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = Folder::new("private");
        let path = folder.0.join("old");
        std::fs::write(&path, "").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o666)).unwrap();
        for name in ["old", "new"] {
            let mut file = RotatedFile::open(&folder.0.join(name), 5).unwrap();
            file.write(b"1234\n").unwrap();
            file.write(b"5678\n").unwrap();
            for name in [name.to_owned(), format!("{name}.1")] {
                assert_eq!(std::fs::metadata(folder.0.join(&name)).unwrap().permissions().mode() & 0o777, 0o600, "{name}");
            }
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_device_is_neither_rotated_nor_changed() {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = || std::fs::metadata("/dev/null").unwrap().permissions().mode();
        let before = mode();
        let mut file = RotatedFile::open(Path::new("/dev/null"), 1).unwrap();
        file.write(b"line\n").unwrap();
        file.write(b"line\n").unwrap();
        assert_eq!(mode(), before);
    }

    #[test]
    fn a_folder_is_an_error_and_no_file() {
        assert!(JsonLines::open(&std::env::temp_dir()).unwrap_err().to_string().contains("it is a folder (expected"));
    }

    #[cfg(unix)]
    #[test]
    fn a_socket_is_an_error_and_the_standard_streams_are_none_whatever_they_are() {
        let folder = Folder::new("special");
        let path = folder.0.join("socket");
        let _socket = std::os::unix::net::UnixListener::bind(&path).unwrap();
        assert!(JsonLines::open(&path).unwrap_err().to_string().contains("it is a socket"));
        for stream in ["-", "/dev/stdout", "/dev/stderr"] {
            assert!(JsonLines::open(Path::new(stream)).is_ok(), "{stream}");
        }
    }
}
