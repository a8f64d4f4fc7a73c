//! Inputs made from inputs, where no libFuzzer is at hand.

use simulator::random::draw_in;

/// An input like this one, and not the same: bytes flipped, doubled, moved, taken out, or replaced by numbers that matter.
/// Equal seeds make equal inputs.
#[must_use]
pub fn mutated(input: &[u8], seed: u64, size_max: usize) -> Vec<u8> {
    let mut data = input.to_vec();
    let mut count = 0;
    let mut roll = |low: usize, high: usize| {
        count += 1;
        draw_in(seed, 0, "mutate", count, low as u64, high as u64) as usize
    };
    for _ in 0..roll(1, 6) {
        let place = roll(0, data.len());
        let end = (place + roll(0, 8)).min(data.len());
        match roll(0, 7) {
            0 => {
                if let Some(byte) = data.get_mut(place) {
                    *byte ^= 1 << roll(0, 7);
                }
            }
            1 => {
                if let Some(byte) = data.get_mut(place) {
                    *byte = roll(0, 255) as u8;
                }
            }
            2 => drop(data.drain(place..end)),
            3 => {
                let piece = data[place..end].to_vec();
                let to = roll(0, data.len());
                data.splice(to..to, piece);
            }
            4 => {
                let new: Vec<u8> = (0..roll(1, 12)).map(|_| roll(0, 255) as u8).collect();
                data.splice(place..place, new);
            }
            5 => data.truncate(place),
            6 => {
                // Sizes, counts and offsets stand in four or eight bytes, or in one.
                let numbers: [&[u8]; 8] = [
                    &[0xff; 4],
                    &[0x7f, 0xff, 0xff, 0xff],
                    &[0x80, 0, 0, 0],
                    &[0; 4],
                    &[0, 0, 0, 1],
                    &[0xff; 8],
                    &[0xff, 0xff, 0xff, 0xff, 0x0f],
                    &[0x80],
                ];
                let number = numbers[roll(0, numbers.len() - 1)];
                let end = (place + number.len()).min(data.len());
                data.splice(place..end, number.iter().copied());
            }
            _ => {
                let by = roll(0, 4) as u8;
                if let Some(byte) = data.get_mut(place) {
                    *byte = byte.wrapping_add(by).wrapping_sub(2);
                }
            }
        }
    }
    data.truncate(size_max);
    data
}
