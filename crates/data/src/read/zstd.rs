//! Zstandard. `ruzstd` decodes it: pure Rust, well kept, two crates with its hash, and no compiler of C is needed. It bounds the window, so a
//! hostile header asks for no more than 128 MiB.

use std::io::{self, BufRead, Read};

use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

/// Unpacks frame after frame: files of several frames come of packing in parallel, or of appending.
pub struct Unpacked<R> {
    source: R,
    decoder: FrameDecoder,
    /// Within a frame.
    open: bool,
}

impl<R: BufRead> Unpacked<R> {
    /// What is in this packed file.
    pub fn new(source: R) -> Unpacked<R> {
        Unpacked { source, decoder: FrameDecoder::new(), open: false }
    }

    /// Enters the next frame; false at the end of the file.
    fn enter(&mut self) -> io::Result<bool> {
        loop {
            if self.source.fill_buf()?.is_empty() {
                return Ok(false);
            }
            match self.decoder.reset(&mut self.source) {
                Ok(()) => return Ok(true),
                // A frame that is to be skipped has no data.
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame { length, .. })) => {
                    io::copy(&mut self.source.by_ref().take(length.into()), &mut io::sink())?;
                }
                Err(error) => return Err(io::Error::new(io::ErrorKind::InvalidData, error.to_string())),
            }
        }
    }

    /// A frame has ended; its checksum, if it has one, must fit.
    fn leave(&mut self) -> io::Result<()> {
        let (written, found) = (self.decoder.get_checksum_from_data(), self.decoder.get_calculated_checksum());
        match (written, found) {
            (Some(written), Some(found)) if written != found => {
                Err(io::Error::new(io::ErrorKind::InvalidData, "its checksum does not fit: the packed file is damaged"))
            }
            _ => Ok(()),
        }
    }
}

impl<R: BufRead> Read for Unpacked<R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        if to.is_empty() {
            return Ok(0);
        }
        loop {
            if !self.open {
                if !self.enter()? {
                    return Ok(0);
                }
                self.open = true;
            }
            while self.decoder.can_collect() == 0 && !self.decoder.is_finished() {
                self.decoder
                    .decode_blocks(&mut self.source, BlockDecodingStrategy::UptoBlocks(1))
                    .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error.to_string()))?;
            }
            let read = self.decoder.read(to)?;
            if read > 0 {
                return Ok(read);
            }
            self.leave()?;
            self.open = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use ruzstd::encoding::{CompressionLevel, compress_to_vec};

    use super::*;

    fn unpack(packed: &[u8]) -> io::Result<Vec<u8>> {
        let mut found = Vec::new();
        Unpacked::new(packed).read_to_end(&mut found).map(|_| found)
    }

    #[test]
    fn frames_follow_one_another() {
        let pack = |text: &str| compress_to_vec(text.as_bytes(), CompressionLevel::Fastest);
        let skipped = [&0x184d_2a50u32.to_le_bytes()[..], &3u32.to_le_bytes(), b"xyz"].concat();
        let packed = [pack("a,b\n"), skipped, pack("1,2\n")].concat();
        assert_eq!(unpack(&packed).unwrap(), b"a,b\n1,2\n");
        assert_eq!(unpack(&[]).unwrap(), b"");
        for cut in 1..pack("a,b\n").len() {
            assert!(unpack(&packed[..cut]).is_err(), "{cut}");
        }
    }

    #[test]
    fn damage_is_seen() {
        let mut packed = compress_to_vec(&b"a,b\n1,2\n"[..], CompressionLevel::Uncompressed);
        let at = packed.windows(3).position(|bytes| bytes == b"1,2").unwrap();
        packed[at] = b'7';
        let refused = unpack(&packed);
        assert!(refused.is_err(), "{refused:?}");
    }
}
