//! Where requests end in a stream of bytes. Nothing more is known of them here.

/// Follows the size in front of each request.
#[derive(Debug, Default)]
pub(super) struct Frames {
    /// The bytes of a size that has not arrived whole.
    size: Vec<u8>,
    /// What is missing of the request whose size is known.
    remaining: usize,
}

impl Frames {
    /// How many of these bytes belong to the request that is arriving: all of them, or up to its end.
    pub(super) fn up_to_end(&mut self, bytes: &[u8]) -> usize {
        let mut taken = 0;
        while self.remaining == 0 {
            let Some(byte) = bytes.get(taken) else { return taken };
            self.size.push(*byte);
            taken += 1;
            if let [a, b, c, d] = self.size[..] {
                self.size.clear();
                // A negative or empty size is the cluster's to judge; here it only ends this piece.
                self.remaining = usize::try_from(i32::from_be_bytes([a, b, c, d])).unwrap_or(0);
                if self.remaining == 0 {
                    return taken;
                }
            }
        }
        let body = self.remaining.min(bytes.len() - taken);
        self.remaining -= body;
        taken + body
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The bytes, cut into reads of each length from 1 to 9, come out in pieces that end where requests end.
    fn check(bytes: &[u8], ends: &[usize]) {
        for read in 1..10 {
            let mut frames = Frames::default();
            let mut at = 0;
            let mut cuts = Vec::new();
            for part in bytes.chunks(read) {
                let mut rest = part;
                while !rest.is_empty() {
                    let taken = frames.up_to_end(rest);
                    assert!(taken > 0, "no progress");
                    at += taken;
                    cuts.push(at);
                    rest = &rest[taken..];
                }
            }
            assert_eq!(at, bytes.len());
            assert!(
                ends.iter().all(|end| cuts.contains(end)),
                "reads of {read}: {cuts:?} lacks some of {ends:?}"
            );
        }
    }

    #[test]
    fn pieces_end_where_requests_end() {
        check(&[0, 0, 0, 2, 1, 2, 0, 0, 0, 1, 3, 0, 0, 0, 3, 4, 5, 6], &[6, 11, 18]);
        check(&[0, 0, 0, 0, 0, 0, 0, 1, 9], &[4, 9]);
        check(&[255, 255, 255, 255, 0, 0, 0, 1, 9], &[4, 9]);
    }
}
