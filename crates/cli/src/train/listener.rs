//! Where a training says how it goes: its end does not depend on whether anybody still listens.

use std::io::{self, ErrorKind, Write};

/// An output that takes everything. The first error of the one beneath is kept, and nothing is written to it any more.
#[derive(Debug)]
pub struct Listener<W> {
    out: W,
    lost: Option<io::Error>,
}

impl<W: Write> Listener<W> {
    /// On top of `out`.
    pub fn new(out: W) -> Self {
        Listener { out, lost: None }
    }

    /// Why `out` takes no more, if it does not.
    pub fn end(self) -> io::Result<()> {
        self.lost.map_or(Ok(()), Err)
    }

    fn attempt(&mut self, done: usize, action: impl FnOnce(&mut W) -> io::Result<usize>) -> io::Result<usize> {
        if self.lost.is_some() {
            return Ok(done);
        }
        match action(&mut self.out) {
            Err(error) if error.kind() == ErrorKind::Interrupted => Err(error),
            Err(error) => {
                self.lost = Some(error);
                Ok(done)
            }
            Ok(written) => Ok(written),
        }
    }
}

impl<W: Write> Write for Listener<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.attempt(bytes.len(), |out| out.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.attempt(0, |out| out.flush().map(|()| 0)).map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_to_nobody_is_no_error_until_the_end() {
        struct Closed;
        impl Write for Closed {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                unreachable!("nothing was written")
            }
        }
        let mut listener = Listener::new(Closed);
        listener.write_all(b"to nobody").unwrap();
        listener.flush().unwrap();
        assert_eq!(listener.end().unwrap_err().kind(), ErrorKind::BrokenPipe);
        assert!(Listener::new(Vec::new()).end().is_ok());
    }
}
