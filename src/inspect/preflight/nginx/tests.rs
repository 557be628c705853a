use std::fs;

use super::*;
use crate::event::Events;
use crate::host::Programs;

/// The reasons for a site with this `[proxy]`, given these files in addition to Debian's.
fn met(proxy: &str, files: &[(&str, &str)]) -> Vec<String> {
    let root = tempfile::tempdir().unwrap();
    let write = |path: &str, text: &str| {
        let path = root.path().join("etc/nginx").join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    let debian = "user www-data;\nhttp {\n  include conf.d/*.conf;\n  include /etc/nginx/sites-enabled/*;\n}\n";
    write("nginx.conf", debian);
    write(
        "sites-enabled/odoo.conf",
        "server { listen 443; server_name erp.example.org; }",
    );
    for (path, text) in files {
        write(path, text);
    }
    let host = Host::at(root.path(), Programs::Real, Events::silent());
    let text =
        format!("[odoo]\nversion = \"19.0\"\n[site]\ndomain = \"erp.example.org\"\n{proxy}\n");
    let site = Site::parse(Path::new("site.toml"), &text).unwrap();
    let all = read::whole(&host).unwrap();
    let tls = site.proxy.as_ref().unwrap().tls != Tls::None;
    let ports: &[u16] = if tls { &[80, 443] } else { &[80] };
    let mut reasons = frame(&all, &site);
    for block in &all {
        for server in block.all("server").filter(|server| !is_own(server, &site)) {
            for port in ports {
                let asked = *port == if tls { 443 } else { 80 };
                reasons.extend(meets(server, &site, *port, block.name() == "stream", asked));
            }
        }
    }
    reasons.iter().map(ToString::to_string).collect()
}

const TLS: &str = "[proxy]";

#[test]
fn sites_with_other_names_do_not_conflict() {
    for text in [
        "server { listen 80 default_server; server_name _; }",
        "server { listen 443 ssl default_server; server_name shop.example.org; }",
        "server { listen 192.0.2.1:8443; server_name erp.example.org; }",
        "server { listen 127.0.0.1:80; location /status { stub_status; } }",
        "server { listen unix:/run/x.sock; server_name erp.example.org; }",
        "# listen 192.0.2.1:443;\nserver { server_name erp.example.org.evil; }",
    ] {
        assert_eq!(met(TLS, &[("conf.d/a.conf", text)]), [""; 0], "{text}");
    }
}

#[test]
fn conflicting_servers_are_reported_with_their_line() {
    for (text, expected) in [
        (
            "\nserver {\n listen 192.0.2.1:443 ssl;\n}",
            "`listen 192.0.2.1:443 ssl` in `/etc/nginx/conf.d/a.conf` (line 3)",
        ),
        (
            "server { listen [2001:db8::1]:80; }",
            "asked at [2001:db8::1]",
        ),
        ("server { listen 127.0.0.1:443; }", "asked at 127.0.0.1"),
        (
            "server { listen 443 ssl proxy_protocol; }",
            "proxy_protocol",
        ),
        (
            "server { listen [::]:443 ssl ipv6only=off; }",
            "ipv6only=off",
        ),
        (
            "server {\n server_name x.org\n erp.example.org;\n}",
            "already, in `/etc/nginx/conf.d/a.conf` (line 2)",
        ),
    ] {
        let found = met(TLS, &[("conf.d/a.conf", text)]);
        assert_eq!(found.len(), 1, "{text}: {found:?}");
        assert!(found[0].contains(expected), "{found:?}");
    }
}

#[test]
fn a_configuration_without_sites_enabled_is_reported() {
    let of_its_makers = "user  nginx;\nhttp {\n  include /etc/nginx/conf.d/*.conf;\n}\n";
    let found = met(TLS, &[("nginx.conf", of_its_makers)]);
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].contains("write `include /etc/nginx/sites-enabled/*;` into the block `http` that begins at `/etc/nginx/nginx.conf` (line 2)"));
    assert!(found[1].contains("write `user nginx www-data;`"));
}

#[test]
fn a_stream_server_takes_the_port() {
    let stream = "user www-data;\nhttp { include sites-enabled/*; }\nstream {\n server { listen 443; ssl_preread on; }\n}\n";
    let found = met(TLS, &[("nginx.conf", stream)]);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].contains("in `/etc/nginx/nginx.conf` (line 4) is a server of `stream`"));
    assert_eq!(
        met("[proxy]\ntls = \"none\"", &[("nginx.conf", stream)]),
        [""; 0]
    );
}
