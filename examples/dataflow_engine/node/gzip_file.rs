//! Writes batches to a compressed file. The pipeline puts it behind the fan-out. It never leaves half a batch in the file on purpose:
//! each is compressed whole, as a gzip member of its own, before it is written.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::exporter::Exporter;
use crate::error_type::error_type;
use crate::message::Lines;

/// A compressed file, and how often writing to it is made to fail.
pub(crate) struct GzipFile {
    file: File,
    written: u64,
    faults: Faults,
}

impl GzipFile {
    /// Creates the file.
    pub(crate) fn create(path: &Path, failing_share: f64, seed: u64) -> io::Result<GzipFile> {
        Ok(GzipFile { file: File::create(path)?, written: 0, faults: Faults { share: failing_share, state: seed } })
    }

    fn write(&mut self, lines: &Lines) -> io::Result<u64> {
        let mut member = GzEncoder::new(Vec::new(), Compression::fast());
        for line in lines.iter() {
            member.write_all(line)?;
            member.write_all(b"\n")?;
        }
        let member = member.finish()?;
        self.file.write_all(&member)?;
        Ok(member.len() as u64)
    }
}

impl Exporter for GzipFile {
    fn export(&mut self, lines: &Lines) -> Result<Option<u64>, &'static str> {
        if self.faults.next_fails() {
            return Err("injected_fault");
        }
        let written = self.write(lines).map_err(|error| error_type(&error))?;
        self.written += written;
        Ok(Some(written))
    }

    fn result(&mut self) -> String {
        format!("{} bytes compressed", self.written)
    }
}

/// Says which tries fail: the same ones in every run, so that two runs can be compared.
struct Faults {
    share: f64,
    state: u64,
}

impl Faults {
    fn next_fails(&mut self) -> bool {
        // SplitMix64: every seed gives a good sequence.
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        ((mixed >> 11) as f64 / (1u64 << 53) as f64) < self.share
    }
}
