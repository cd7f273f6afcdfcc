//! Fingerprints as pictures: the "drunken bishop" of OpenSSH (`fingerprint_randomart`, sshkey.c).

const WIDTH: usize = 17;
const HEIGHT: usize = 9;

/// How often a square was visited; beyond the last but two it stays the same.
const VISITS: &str = " .o+=*BOX@%&#/^";
const START: char = 'S';
const END: char = 'E';

/// Draws a hash. Titles that find no room between the corners and brackets are cut.
pub(super) fn draw(hash: &[u8], title: &str, name: &str) -> String {
    let mut board = [[0usize; WIDTH]; HEIGHT];
    let start = (WIDTH / 2, HEIGHT / 2);
    let (mut x, mut y) = start;
    for byte in hash {
        for shift in [0, 2, 4, 6] {
            x = step(x, byte >> shift & 1 == 1, WIDTH);
            y = step(y, byte >> shift & 2 == 2, HEIGHT);
            if let Some(square) = board.get_mut(y).and_then(|row| row.get_mut(x)) {
                *square = square.saturating_add(1).min(VISITS.len().saturating_sub(1));
            }
        }
    }
    let mut out = edge(title);
    for (row, line) in board.iter().enumerate() {
        out.push_str("\n|");
        for (column, visits) in line.iter().enumerate() {
            out.push(match (column, row) {
                here if here == (x, y) => END,
                here if here == start => START,
                _ => VISITS.chars().nth(*visits).unwrap_or(' '),
            });
        }
        out.push('|');
    }
    out.push('\n');
    out.push_str(&edge(name));
    out
}

/// One step up or down, that ends at the wall.
fn step(at: usize, up: bool, size: usize) -> usize {
    if up { at.saturating_add(1).min(size.saturating_sub(1)) } else { at.saturating_sub(1) }
}

fn edge(title: &str) -> String {
    let title: String = title.chars().take(WIDTH.saturating_sub(2)).collect();
    let dashes = WIDTH.saturating_sub(2).saturating_sub(title.chars().count());
    let (left, right) = (dashes / 2, dashes.div_ceil(2));
    format!("+{}[{title}]{}+", "-".repeat(left), "-".repeat(right))
}

#[cfg(test)]
mod tests {
    use crate::key::Fingerprint;

    #[test]
    fn the_picture_of_nothing_walks_into_the_corner() {
        let drawn = super::draw(&[0; 32], "ED25519 256", "SHA256");
        let lines: Vec<_> = drawn.lines().collect();
        assert_eq!(lines.len(), 11);
        assert_eq!(lines[0], "+--[ED25519 256]--+");
        assert_eq!(lines[1], "|E....            |");
        assert_eq!(lines[5], "|        S        |");
        assert_eq!(lines[10], "+----[SHA256]-----+");
    }

    #[test]
    fn every_line_has_the_same_width_whatever_the_title() {
        for title in ["", "RSA 4096", "ECDSA-SK 256", "a title that is far too long"] {
            let drawn = Fingerprint::of_blob(title.as_bytes()).randomart(title);
            assert!(drawn.lines().all(|line| line.chars().count() == 19), "{drawn}");
        }
    }
}
