//! Tests of the date formats; the expected texts are those of PUC Lua on Linux.

use super::*;

/// Times, and every conversion of each in UTC (`N` for newline, `T` for tab).
#[rustfmt::skip]
const EXPECTED: &[(i64, &str)] = &[
    (0, "a=Thu;A=Thursday;b=Jan;B=January;c=Thu Jan  1 00:00:00 1970;C=19;d=01;D=01/01/70;e= 1;F=1970-01-01;g=70;G=1970;h=Jan;H=00;I=12;j=001;m=01;M=00;n=N;p=AM;r=12:00:00 AM;R=00:00;S=00;t=T;T=00:00:00;u=4;U=00;V=01;w=4;W=00;x=01/01/70;X=00:00:00;y=70;Y=1970;z=+0000;Z=GMT;_=%;"),
    (-1, "a=Wed;A=Wednesday;b=Dec;B=December;c=Wed Dec 31 23:59:59 1969;C=19;d=31;D=12/31/69;e=31;F=1969-12-31;g=70;G=1970;h=Dec;H=23;I=11;j=365;m=12;M=59;n=N;p=PM;r=11:59:59 PM;R=23:59;S=59;t=T;T=23:59:59;u=3;U=52;V=01;w=3;W=52;x=12/31/69;X=23:59:59;y=69;Y=1969;z=+0000;Z=GMT;_=%;"),
    (951782400, "a=Tue;A=Tuesday;b=Feb;B=February;c=Tue Feb 29 00:00:00 2000;C=20;d=29;D=02/29/00;e=29;F=2000-02-29;g=00;G=2000;h=Feb;H=00;I=12;j=060;m=02;M=00;n=N;p=AM;r=12:00:00 AM;R=00:00;S=00;t=T;T=00:00:00;u=2;U=09;V=09;w=2;W=09;x=02/29/00;X=00:00:00;y=00;Y=2000;z=+0000;Z=GMT;_=%;"),
    (1104537599, "a=Fri;A=Friday;b=Dec;B=December;c=Fri Dec 31 23:59:59 2004;C=20;d=31;D=12/31/04;e=31;F=2004-12-31;g=04;G=2004;h=Dec;H=23;I=11;j=366;m=12;M=59;n=N;p=PM;r=11:59:59 PM;R=23:59;S=59;t=T;T=23:59:59;u=5;U=52;V=53;w=5;W=52;x=12/31/04;X=23:59:59;y=04;Y=2004;z=+0000;Z=GMT;_=%;"),
    (1104537600, "a=Sat;A=Saturday;b=Jan;B=January;c=Sat Jan  1 00:00:00 2005;C=20;d=01;D=01/01/05;e= 1;F=2005-01-01;g=04;G=2004;h=Jan;H=00;I=12;j=001;m=01;M=00;n=N;p=AM;r=12:00:00 AM;R=00:00;S=00;t=T;T=00:00:00;u=6;U=00;V=53;w=6;W=00;x=01/01/05;X=00:00:00;y=05;Y=2005;z=+0000;Z=GMT;_=%;"),
    (1230768000, "a=Thu;A=Thursday;b=Jan;B=January;c=Thu Jan  1 00:00:00 2009;C=20;d=01;D=01/01/09;e= 1;F=2009-01-01;g=09;G=2009;h=Jan;H=00;I=12;j=001;m=01;M=00;n=N;p=AM;r=12:00:00 AM;R=00:00;S=00;t=T;T=00:00:00;u=4;U=00;V=01;w=4;W=00;x=01/01/09;X=00:00:00;y=09;Y=2009;z=+0000;Z=GMT;_=%;"),
    (1293839999, "a=Fri;A=Friday;b=Dec;B=December;c=Fri Dec 31 23:59:59 2010;C=20;d=31;D=12/31/10;e=31;F=2010-12-31;g=10;G=2010;h=Dec;H=23;I=11;j=365;m=12;M=59;n=N;p=PM;r=11:59:59 PM;R=23:59;S=59;t=T;T=23:59:59;u=5;U=52;V=52;w=5;W=52;x=12/31/10;X=23:59:59;y=10;Y=2010;z=+0000;Z=GMT;_=%;"),
    (1325376000, "a=Sun;A=Sunday;b=Jan;B=January;c=Sun Jan  1 00:00:00 2012;C=20;d=01;D=01/01/12;e= 1;F=2012-01-01;g=11;G=2011;h=Jan;H=00;I=12;j=001;m=01;M=00;n=N;p=AM;r=12:00:00 AM;R=00:00;S=00;t=T;T=00:00:00;u=7;U=01;V=52;w=0;W=00;x=01/01/12;X=00:00:00;y=12;Y=2012;z=+0000;Z=GMT;_=%;"),
    (2147483647, "a=Tue;A=Tuesday;b=Jan;B=January;c=Tue Jan 19 03:14:07 2038;C=20;d=19;D=01/19/38;e=19;F=2038-01-19;g=38;G=2038;h=Jan;H=03;I=03;j=019;m=01;M=14;n=N;p=AM;r=03:14:07 AM;R=03:14;S=07;t=T;T=03:14:07;u=2;U=03;V=03;w=2;W=03;x=01/19/38;X=03:14:07;y=38;Y=2038;z=+0000;Z=GMT;_=%;"),
    (4107542399, "a=Sun;A=Sunday;b=Feb;B=February;c=Sun Feb 28 23:59:59 2100;C=21;d=28;D=02/28/00;e=28;F=2100-02-28;g=00;G=2100;h=Feb;H=23;I=11;j=059;m=02;M=59;n=N;p=PM;r=11:59:59 PM;R=23:59;S=59;t=T;T=23:59:59;u=7;U=09;V=08;w=0;W=08;x=02/28/00;X=23:59:59;y=00;Y=2100;z=+0000;Z=GMT;_=%;"),
    (1700039600, "a=Wed;A=Wednesday;b=Nov;B=November;c=Wed Nov 15 09:13:20 2023;C=20;d=15;D=11/15/23;e=15;F=2023-11-15;g=23;G=2023;h=Nov;H=09;I=09;j=319;m=11;M=13;n=N;p=AM;r=09:13:20 AM;R=09:13;S=20;t=T;T=09:13:20;u=3;U=46;V=46;w=3;W=46;x=11/15/23;X=09:13:20;y=23;Y=2023;z=+0000;Z=GMT;_=%;"),
    (-62135596800, "a=Mon;A=Monday;b=Jan;B=January;c=Mon Jan  1 00:00:00 1;C=0;d=01;D=01/01/01;e= 1;F=1-01-01;g=01;G=1;h=Jan;H=00;I=12;j=001;m=01;M=00;n=N;p=AM;r=12:00:00 AM;R=00:00;S=00;t=T;T=00:00:00;u=1;U=00;V=01;w=1;W=01;x=01/01/01;X=00:00:00;y=01;Y=1;z=+0000;Z=GMT;_=%;"),
    (-62170156800, "a=Sun;A=Sunday;b=Nov;B=November;c=Sun Nov 28 00:00:00 -1;C=-1;d=28;D=11/28/99;e=28;F=-1-11-28;g=99;G=-1;h=Nov;H=00;I=12;j=332;m=11;M=00;n=N;p=AM;r=12:00:00 AM;R=00:00;S=00;t=T;T=00:00:00;u=7;U=48;V=47;w=0;W=47;x=11/28/99;X=00:00:00;y=99;Y=-1;z=+0000;Z=GMT;_=%;"),
    (253402300800, "a=Sat;A=Saturday;b=Jan;B=January;c=Sat Jan  1 00:00:00 10000;C=100;d=01;D=01/01/00;e= 1;F=10000-01-01;g=99;G=9999;h=Jan;H=00;I=12;j=001;m=01;M=00;n=N;p=AM;r=12:00:00 AM;R=00:00;S=00;t=T;T=00:00:00;u=6;U=00;V=52;w=6;W=00;x=01/01/00;X=00:00:00;y=00;Y=10000;z=+0000;Z=GMT;_=%;"),
    (-62325331200, "a=Wed;A=Wednesday;b=Dec;B=December;c=Wed Dec 28 00:00:00 -6;C=-1;d=28;D=12/28/94;e=28;F=-6-12-28;g=94;G=-6;h=Dec;H=00;I=12;j=362;m=12;M=00;n=N;p=AM;r=12:00:00 AM;R=00:00;S=00;t=T;T=00:00:00;u=3;U=52;V=52;w=3;W=52;x=12/28/94;X=00:00:00;y=94;Y=-6;z=+0000;Z=GMT;_=%;"),
];

fn date(text: &str, time: &BrokenTime) -> Result<String, String> {
    let mut out = Vec::new();
    format(&mut out, text.as_bytes(), time)
        .map_err(|rest| String::from_utf8_lossy(rest).into_owned())?;
    Ok(String::from_utf8(out).unwrap())
}

#[test]
fn every_conversion() {
    for &(seconds, expected) in EXPECTED {
        let time = sys::utc_time(seconds).unwrap();
        let mut text = String::new();
        for &specifier in PLAIN {
            let specifier = char::from(specifier);
            let name = if specifier == '%' { '_' } else { specifier };
            text.push_str(&format!("{name}=%{specifier};"));
        }
        let result = date(&text, &time).unwrap();
        assert_eq!(result.replace('\n', "N").replace('\t', "T"), expected);
    }
}

#[test]
fn modifiers() {
    let time = sys::utc_time(0).unwrap();
    for (with, without) in [("%Ex", "%x"), ("%EY", "%Y"), ("%Oy", "%y"), ("%OS", "%S")] {
        assert_eq!(date(with, &time), date(without, &time));
    }
}

#[test]
fn invalid_specifiers() {
    let time = BrokenTime::default();
    for bad in ["%", "%9", "%O", "%E", "%Ea", "%Oc", "ab%Q rest"] {
        let rest = bad.split_once('%').unwrap().1;
        assert_eq!(date(bad, &time), Err(rest.to_string()));
    }
    assert_eq!(date(&"%".repeat(200), &time), Ok("%".repeat(100)));
    assert_eq!(date("", &time), Ok(String::new()));
}

#[test]
fn offsets() {
    let offset = |offset| BrokenTime {
        offset,
        ..BrokenTime::default()
    };
    assert_eq!(date("%z", &offset(19_800)).unwrap(), "+0530");
    assert_eq!(date("%z", &offset(-34_200)).unwrap(), "-0930");
}
