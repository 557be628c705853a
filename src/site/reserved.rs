//! Names that a site must not have, because its files or accounts would replace those of the system.

/// Users, groups and roles: those of <https://salsa.debian.org/debian/base-passwd> and of common server packages, and
/// the words that `PostgreSQL` refuses as names of roles.
const USERS: &str = "
    _apt adm admin audio avahi backup bin cdrom clock crontab daemon debian dialout dip disk
    docker fax floppy fwupd games gnats input irc kmem kvm landscape list lp lxd mail man
    messagebus netdev news nobody nogroup none operator plugdev polkitd pollinate proxy public
    render root sasl sgx shadow src ssl-cert staff sudo sync sys syslog tape tcpdump tss tty
    ubuntu user users usbmux utmp uucp uuidd vagrant video voice wheel www-data
";

/// Units of systemd and of common server packages.
const UNITS: &str = "
    acpid anacron apache2 apparmor apport atd auditd blk-availability bind9 caddy certbot
    chrony cloud-config cloud-final cloud-init containerd cron cups dbus dm-event dnsmasq
    dovecot emergency exim4 fail2ban firewalld fstrim getty grub-common haproxy hwclock ifup
    irqbalance keyboard-setup kmod mariadb memcached multipathd mysql named netplan
    networkd-dispatcher networking nfs-server nftables nginx nscd nslcd ntp ntpsec packagekit
    pgbouncer polkit postfix postgres postgresql prometheus quotaon rabbitmq-server rc
    rc-local redis redis-server rescue rpcbind rsync rsyslog saslauthd smartd smartmontools
    smbd snapd squid ssh sshd sssd supervisor sysstat tor traefik udev udisks2 ufw
    unattended-upgrades upower varnish vsftpd wpa_supplicant x11-common xinetd zabbix-agent
";

/// Files `/etc/NAME.conf` of the system. For instance, our own `/etc/resolv.conf` would cut off name resolution.
const CONFIGURATIONS: &str = "
    adduser apg appstream ca-certificates daemon debconf deluser dhcpcd dracut e2scrub fuse
    gai hdparm host idmapd kernel-img krb5 ld-so ldap libao libaudit locale logrotate lvm
    mdadm mke2fs modules mtools multipath needrestart nfs nsswitch ntfs opensc overlayroot pam
    pip pnm2ppa popularity-contest request-key resolv rmt screenrc sensors3 sysctl
    sudo_logsrvd thermald ucf updatedb usb_modeswitch vconsole xattr
";

/// Folders `/var/lib/NAME` of the system, which would be given to the user of the service.
const DATA: &str = "
    alternatives apt apt-xapian-index aspell boltd btrfs cloud command-not-found dhcp
    dictionaries-common dpkg emacsen-common fwupd git grub initramfs-tools initscripts insserv
    ispell libuuid locales lxcfs machines man-db misc os-prober plymouth portables private
    python python3 rpm selinux sgml-base shells sudo swcatalog systemd tpm ubuntu-advantage
    ubuntu-release-upgrader update-manager update-notifier urandom usbutils vim xfonts xkb
    xml-core
";

fn has(names: &str, name: &str) -> bool {
    names.split_whitespace().any(|known| known == name)
}

/// Returns why a name is reserved, if it is.
pub(super) fn reason(name: &str) -> Option<&'static str> {
    if has(USERS, name) {
        Some("it is a user, a group or a role of the system")
    } else if has(UNITS, name) {
        Some("it is a service of the system")
    } else if has(CONFIGURATIONS, name) {
        Some("its configuration below `/etc` belongs to the system")
    } else if has(DATA, name) {
        Some("its folder below `/var/lib` belongs to the system")
    } else if name.starts_with("systemd-") || name.starts_with("dbus-") {
        Some("this prefix belongs to systemd")
    } else if name.starts_with("pg_") {
        Some("this prefix belongs to PostgreSQL")
    } else if name == "odoo-deploy" {
        Some("it is the name of this program, which stores its journals there")
    } else if name.ends_with("-build") {
        Some("this ending is for the user that builds a site")
    } else if name.ends_with("-firewall") {
        Some("this ending is for the unit of a site's firewall")
    } else {
        None
    }
}

/// Returns a free name that is similar to a reserved one.
pub(super) fn instead(name: &str) -> String {
    let start = name
        .trim_end_matches("-build")
        .trim_end_matches("-firewall");
    let prefixed = format!(
        "odoo-{}",
        start
            .trim_start_matches("systemd-")
            .trim_start_matches("odoo-")
    );
    if prefixed.len() <= 24 && reason(&prefixed).is_none() && !prefixed.ends_with('-') {
        prefixed
    } else {
        "odoo".to_owned()
    }
}
