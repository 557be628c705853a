//! Reads the end of a certificate's validity from its bytes (RFC 5280, 4.1), without starting a program.

/// The end of the first certificate in a text in PEM form, in seconds since 1970.
pub(super) fn until(pem: &str) -> Option<i64> {
    let (_, rest) = pem.split_once("-----BEGIN ")?;
    let (kind, rest) = rest.split_once("-----")?;
    if !kind.ends_with("CERTIFICATE") {
        // the key may come first in the file
        let (_, below) = rest.split_once("-----END ")?;
        return until(below);
    }
    let (text, _) = rest.split_once("-----END ")?;
    let der = decoded(text)?;
    let (certificate, _) = inside(&der, 0x30)?;
    let (body, _) = inside(certificate, 0x30)?;
    // the version is optional
    let rest = inside(body, 0xa0).map_or(body, |(_, rest)| rest);
    let (_, rest) = inside(rest, 0x02)?;
    let (_, rest) = inside(rest, 0x30)?;
    let (_, rest) = inside(rest, 0x30)?;
    let (validity, _) = inside(rest, 0x30)?;
    let (_, _, rest) = element(validity)?;
    let (tag, end, _) = element(rest)?;
    seconds(tag, std::str::from_utf8(end).ok()?)
}

/// The content of the first element, if it has the tag `wanted`, and the bytes after it.
fn inside(bytes: &[u8], wanted: u8) -> Option<(&[u8], &[u8])> {
    let (tag, inside, rest) = element(bytes)?;
    (tag == wanted).then_some((inside, rest))
}

/// The first element in DER: its tag, its content, and the bytes after it.
fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, rest) = bytes.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = if *first < 0x80 {
        (usize::from(*first), rest)
    } else {
        let count = usize::from(first & 0x7f);
        if !(1..=4).contains(&count) {
            return None;
        }
        let (length, rest) = rest.split_at_checked(count)?;
        let length = length
            .iter()
            .fold(0, |all, byte| all << 8 | usize::from(*byte));
        (length, rest)
    };
    let (inside, rest) = rest.split_at_checked(length)?;
    Some((*tag, inside, rest))
}

/// The seconds since 1970 of a `UTCTime` or `GeneralizedTime`. Certificates have both in UTC and with seconds.
fn seconds(tag: u8, text: &str) -> Option<i64> {
    let digits = text.strip_suffix('Z')?;
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (year, rest) = match tag {
        0x17 => {
            let year: i64 = digits.get(..2)?.parse().ok()?;
            (year + if year < 50 { 2000 } else { 1900 }, digits.get(2..)?)
        }
        0x18 => (digits.get(..4)?.parse().ok()?, digits.get(4..)?),
        _ => return None,
    };
    let part = |place: usize| rest.get(place..place + 2)?.parse::<i64>().ok();
    let (month, day) = (part(0)?, part(2)?);
    let time = part(4)? * 3600 + part(6)? * 60 + part(8)?;
    Some(days(year, month, day) * 86_400 + time)
}

/// The number of days from 1970 to a date: <https://howardhinnant.github.io/date_algorithms.html#days_from_civil>.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, month) = (year.div_euclid(400), (month + 9) % 12);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * month + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// Decodes Base64 (RFC 4648) and ignores whitespace.
fn decoded(text: &str) -> Option<Vec<u8>> {
    const SIGNS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bytes, mut bits, mut count) = (Vec::new(), 0_u32, 0);
    for byte in text.bytes().filter(|byte| !byte.is_ascii_whitespace()) {
        if byte == b'=' {
            break;
        }
        let value = SIGNS.iter().position(|sign| *sign == byte)?;
        bits = (bits << 6 | u32::try_from(value).ok()?) & 0xff_ffff;
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from(bits >> count & 0xff).ok()?);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEM: &str = "-----BEGIN CERTIFICATE-----\n\
        MIIBijCCAS+gAwIBAgIUcG8uT9sXgElKvjzoG2udA5bnHtgwCgYIKoZIzj0EAwIw\n\
        GjEYMBYGA1UEAwwPZXJwLmV4YW1wbGUub3JnMB4XDTI2MTEyODAwMjEyNVoXDTM2\n\
        MTEyNTAwMjEyNVowGjEYMBYGA1UEAwwPZXJwLmV4YW1wbGUub3JnMFkwEwYHKoZI\n\
        zj0CAQYIKoZIzj0DAQcDQgAEEi3qef798/IS0uv7mEzv4NFeJb/cqteGW0EQYdY+\n\
        TFHAa0rBMApiJdrpBHwhl9qiJpBle8P0v8rKWEzTxaYZqKNTMFEwHQYDVR0OBBYE\n\
        FDYyRipPUR0DMCgwQSNjWi4wkdaPMB8GA1UdIwQYMBaAFDYyRipPUR0DMCgwQSNj\n\
        Wi4wkdaPMA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDSQAwRgIhAIBkSqjR\n\
        R4iyEVpSLfUjCh0zS8/0Gv5isQGn2R59TBYUAiEA1fVrbz+rcRibDXvtzYEZCzVF\n\
        kdxFOasWGwtkfJbToNY=\n\
        -----END CERTIFICATE-----";

    #[test]
    fn the_end_of_a_certificate_is_read() {
        assert_eq!(until(PEM), Some(2_111_185_285));
        let behind_a_key =
            format!("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n{PEM}");
        assert_eq!(until(&behind_a_key), Some(2_111_185_285));
        for length in 0..PEM.len() - 30 {
            assert_eq!(until(&PEM[..length]), None, "{length}");
        }
    }

    #[test]
    fn both_time_formats_are_read() {
        for (tag, text, expected) in [
            (0x17, "700101000000Z", Some(0)),
            (0x17, "491231235959Z", Some(2_524_607_999)),
            (0x17, "991231235959Z", Some(946_684_799)),
            (0x18, "20500301000001Z", Some(2_529_705_601)),
            (0x18, "20500301000001", None),
            (0x17, "7001010000Z", None),
            (0x04, "700101000000Z", None),
        ] {
            assert_eq!(seconds(tag, text), expected, "{text}");
        }
    }
}
