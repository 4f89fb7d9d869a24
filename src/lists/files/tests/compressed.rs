//! gzip and zstd.

use std::io::Write;

use flate2::write::GzEncoder;

use super::*;
use crate::lists::Digest;

const TEXT: &[u8] = b"212,5550142\n212,5550143\n907,2000000\n";

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn zstd(text: &[u8]) -> Vec<u8> {
    let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 3).unwrap();
    encoder.include_checksum(true).unwrap();
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn compressed_files_are_known_by_their_content_and_read_to_the_last_member() {
    let (first, second) = TEXT.split_at(15);
    let skippable = [&[0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0][..], b"pzst", &zstd(TEXT)].concat();
    let files =
        [gzip(TEXT), zstd(TEXT), [gzip(first), gzip(second)].concat(), [zstd(first), zstd(second)].concat(), skippable];
    for file in files {
        for of in [Format::Ftc, Format::Csv] {
            let progress = Progress::default();
            let options = match of {
                Format::Csv => FileOptions {
                    plan: Format::Ftc.plan().unwrap(),
                    columns: toml::from_str("number = 2").unwrap(),
                    ..format(of)
                },
                _ => format(of),
            };
            let list = read_list(&file[..], &options, 2, &|_: &Entry| false, &progress).unwrap();
            assert_eq!((list.rows, list.digest), (3, Digest::of(&file)));
            assert_eq!(progress.bytes.into_inner(), file.len() as u64);
        }
    }
    assert_eq!(read_with(gzip(b""), &format(Format::Ftc)).unwrap_err(), FileError::Empty);
}

#[test]
fn a_compressed_file_that_is_cut_off_anywhere_is_an_error_with_its_place() {
    for (file, compression) in [(gzip(TEXT), Compression::Gzip), (zstd(TEXT), Compression::Zstd)] {
        for at in 4..file.len() {
            for of in [Format::Ftc, Format::Csv] {
                let error = read_with(&file[..at], &format(of)).unwrap_err();
                assert_eq!(error, FileError::Truncated { at: at as u64, compression }, "{at}");
            }
        }
    }
}

#[test]
fn a_flipped_byte_is_an_error_and_never_another_list() {
    for file in [gzip(TEXT), zstd(TEXT)] {
        for at in 0..file.len() {
            let mut damaged = file.clone();
            damaged[at] ^= 0x10;
            // The header's time stamp, name and system say nothing of the text.
            if let Ok(list) = read_with(&damaged, &format(Format::Ftc)) {
                assert_eq!(entries(list), ["12125550142", "12125550143", "19072000000"], "{at}");
            }
        }
    }
}

#[test]
fn an_error_of_the_disk_has_its_place() {
    struct Failing;
    impl Read for Failing {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::ErrorKind::PermissionDenied.into())
        }
    }
    for file in [TEXT.to_vec(), gzip(TEXT)[..20].to_vec(), zstd(TEXT)[..12].to_vec()] {
        for of in [Format::Ftc, Format::Csv] {
            let input = file.chain(Failing);
            let read = read_list(input, &format(of), 3, &|_: &Entry| false, &Progress::default());
            let kind = io::ErrorKind::PermissionDenied;
            assert_eq!(read.unwrap_err(), FileError::Io { at: file.len() as u64, kind });
        }
    }
}
