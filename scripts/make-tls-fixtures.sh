#!/usr/bin/env bash
# Makes the certificates that the tests of TLS use, with the openssl command (3.0 or newer). They are kept and last a hundred
# years, so that the tests need no openssl: run this only to make them anew. Nothing but the tests may trust them, for their keys
# are public.
set -euo pipefail
cd "$(dirname "$0")/../test/fixtures/tls"
rm -f ./*.pem

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
touch "$work/index"
cat >"$work/ca.conf" <<CONF
[ca]
default_ca = own
[own]
database = $work/index
new_certs_dir = $work
rand_serial = yes
unique_subject = no
default_md = sha256
policy = any
[any]
commonName = supplied
CONF

# certificate NAME BY EXTENSION [LAST DAY]: a key, and its certificate, signed by the key of BY.
certificate() {
  openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1.key.pem"
  openssl req -new -key "$1.key.pem" -subj "/CN=Millpond tests $1" -out "$work/$1.csr"
  if [ "$1" = "$2" ]; then by=(-selfsign); else by=(-cert "$2.cert.pem"); fi
  openssl ca -batch -notext -config "$work/ca.conf" "${by[@]}" -keyfile "$2.key.pem" \
    -startdate 20200101000000Z -enddate "${4:-21200101}000000Z" -extfile <(printf '%s\n' "$3") \
    -in "$work/$1.csr" -out "$1.cert.pem"
}

certificate ca ca 'basicConstraints=critical,CA:TRUE'
certificate other-ca other-ca 'basicConstraints=critical,CA:TRUE'
certificate server ca 'subjectAltName=DNS:localhost,IP:127.0.0.1'
certificate by-address ca 'subjectAltName=IP:127.0.0.1'
certificate by-name ca 'subjectAltName=DNS:localhost'
certificate elsewhere ca 'subjectAltName=DNS:elsewhere.invalid,IP:192.0.2.1'
certificate expired ca 'subjectAltName=DNS:localhost,IP:127.0.0.1' 20200201
certificate client ca 'extendedKeyUsage=clientAuth'
certificate stranger other-ca 'extendedKeyUsage=clientAuth'
# Nobody signs with these again.
rm -f ca.key.pem other-ca.key.pem
