package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/loa-vn/loa/hub"
	"github.com/loa-vn/loa/hub/blob"
	"github.com/loa-vn/loa/hub/reach"
	"github.com/loa-vn/loa/hub/signing"
	"github.com/loa-vn/loa/hub/verify"
	"github.com/loa-vn/loa/protocol"
)

type verifyCmd struct {
	Root      []string `help:"File of a root key as init made it, kept outside of the hub; may be repeated; or a copy of keys/roots.pem." required:"" type:"existingfile"`
	Threshold uint64   `help:"How many roots must sign, if more than one." default:"1"`
	JSON      bool     `help:"One JSON object a line for each bulletin." name:"json"`
}

// errWrong: something does not add up.
var errWrong = errors.New("what the hub says does not follow from what was signed")

// Run implements the command.
func (v verifyCmd) Run(s *session) error {
	return s.with(func(b *hub.Base) error {
		devices, err := b.Registry.Devices(s.ctx)
		if err != nil {
			return err
		}
		m, err := b.DB.Material(s.ctx, devices, reach.Media)
		if err != nil {
			return err
		}
		for _, file := range v.Root {
			if listed, err := signing.ReadRoots(file); err == nil {
				m.Roots = listed
				continue
			}
			public, err := signing.PublicOf(file)
			if err != nil {
				return fmt.Errorf("%w: %s is no root key: %w", errRefused, file, err)
			}
			m.Roots.Keys = append(m.Roots.Keys, protocol.Key{Kind: protocol.KeyEd25519, Public: public})
		}
		m.Roots.Threshold = max(m.Roots.Threshold, v.Threshold)
		blobs := blob.View(filepath.Join(b.Config.Data, "blobs"))
		m.Zone, m.Now = b.Zone, time.Now()
		m.Document = func(d protocol.Digest) ([]byte, error) { return blobs.Read(d, protocol.MaxBulletin) }
		return v.print(s, verify.Check(m))
	})
}

func (v verifyCmd) print(s *session, r verify.Report) error {
	for _, b := range r.Bulletins {
		if v.JSON {
			line, err := json.Marshal(b)
			if err != nil {
				return err
			}
			s.printf("%s\n", line)
			continue
		}
		s.printf("%-60s %d/%d played, %d cut, %d skipped, %d unknown; %.0f of %d people\n",
			b.Title, b.Played, b.Expected, b.Cut, b.Skipped, b.Unknown, b.Reached, b.People)
	}
	for _, p := range r.Problems {
		fmt.Fprintln(s.errOut, "WRONG:", p)
	}
	if !v.JSON {
		s.printf("checked: %d plans, %d airings' approvals, %d receipts; approved by %d passkeys and %d keys held by the hub; %d things wrong\n",
			r.Plans, r.Approvals, r.Receipts, r.Passkeys, r.HubKeys, len(r.Problems))
		if len(r.ByWord) > 0 {
			s.printf("the hub's word alone for key or media of: %v (loa-hub device attest)\n", r.ByWord)
		}
	}
	if len(r.Problems) > 0 {
		return fmt.Errorf("%w: see the lines above", errWrong)
	}
	return nil
}
