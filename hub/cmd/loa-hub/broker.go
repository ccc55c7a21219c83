package main

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/loa-vn/loa/hub"
)

type brokerCmd struct {
	ACL         brokerACLCmd         `cmd:"" name:"acl" help:"Print mosquitto's acl_file: who may hear and say what."`
	Certificate brokerCertificateCmd `cmd:"" help:"Make the certificate of a broker elsewhere, which devices will believe."`
}

type brokerACLCmd struct{}

// Run prints the access list.
func (brokerACLCmd) Run(s *session) error {
	return s.with(func(b *hub.Base) error {
		list, err := b.BrokerAccess(s.ctx)
		if err != nil {
			return err
		}
		s.printf("%s", list)
		return nil
	})
}

type brokerCertificateCmd struct {
	Host []string `help:"Name or address under which hub and devices reach the broker; may be repeated." required:""`
	Out  string   `help:"Folder for broker.pem, broker.key and ca.pem." required:"" type:"path"`
}

// Run writes the three files that mosquitto's certfile, keyfile and cafile name.
func (c brokerCertificateCmd) Run(s *session) error {
	return s.with(func(b *hub.Base) error {
		certificate, key, err := b.CA.Broker(c.Host, time.Now())
		if err != nil {
			return err
		}
		if err := os.MkdirAll(c.Out, 0o750); err != nil {
			return fmt.Errorf("broker certificate: %w", err)
		}
		for _, f := range []struct {
			name  string
			bytes []byte
			mode  os.FileMode
		}{{"broker.key", key, 0o600}, {"broker.pem", certificate, 0o644}, {"ca.pem", b.CA.PEM(), 0o644}} {
			if err := os.WriteFile(filepath.Join(c.Out, f.name), f.bytes, f.mode); err != nil {
				return fmt.Errorf("broker certificate: %w", err)
			}
		}
		s.printf("Đã ghi / written: broker.pem, broker.key, ca.pem in %s\n", c.Out)
		return nil
	})
}
