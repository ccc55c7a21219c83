package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/loa-vn/loa/hub"
	"github.com/loa-vn/loa/hub/audit"
	"github.com/loa-vn/loa/hub/blob"
	"github.com/loa-vn/loa/hub/bundle"
	"github.com/loa-vn/loa/hub/reach"
	"github.com/loa-vn/loa/hub/signing"
	"github.com/loa-vn/loa/hub/verify"
	"github.com/loa-vn/loa/protocol"
)

type verifyCmd struct {
	Root      []string `help:"File of a root key as init made it, kept outside of the hub; may be repeated; or a copy of keys/roots.pem." required:"" type:"existingfile"`
	Threshold uint64   `help:"How many roots must sign, if more than one." default:"1"`
	Export    string   `help:"Check an export, without a hub." type:"existingfile"`
	Held      []string `help:"An earlier export, kept outside of the hub: its records and receipts must still be there; may be repeated." type:"existingfile"`
	From      string   `help:"First day whose airings count (2026-01-31)."`
	To        string   `help:"Last day whose airings count."`
	JSON      bool     `help:"One JSON object a line for each bulletin." name:"json"`
}

// errWrong: something does not add up.
var errWrong = errors.New("what the hub says does not follow from what was signed")

// Run implements the command.
func (v verifyCmd) Run(s *session) error {
	if v.Export != "" {
		if v.From != "" || v.To != "" {
			return fmt.Errorf("%w: an export has its own days; leave --from and --to out", errRefused)
		}
		m, _, done, err := openBundle(v.Export)
		if err != nil {
			return err
		}
		return errors.Join(v.check(s, m), done())
	}
	return s.with(func(b *hub.Base) error {
		m, err := material(s, b)
		if err != nil {
			return err
		}
		if m.From, m.To, err = days(v.From, v.To, b.Zone); err != nil {
			return err
		}
		return v.check(s, m)
	})
}

func (v verifyCmd) check(s *session, m verify.Material) error {
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
	for _, file := range v.Held {
		held, _, done, err := openBundle(file)
		if err != nil {
			return err
		}
		m.Audit.Held = append(m.Audit.Held, held.Audit.Checkpoints...)
		m.Held = append(m.Held, held.Heads...)
		if err := done(); err != nil {
			return err
		}
	}
	m.Now = time.Now()
	return v.print(s, verify.Check(m))
}

// material reads all that the hub holds.
func material(s *session, b *hub.Base) (verify.Material, error) {
	devices, err := b.Registry.Devices(s.ctx)
	if err != nil {
		return verify.Material{}, err
	}
	m, err := b.DB.Material(s.ctx, devices, reach.Media)
	if err != nil {
		return verify.Material{}, err
	}
	blobs := blob.View(filepath.Join(b.Config.Data, "blobs"))
	m.Zone, m.Now = b.Zone, time.Now()
	m.Document = func(d protocol.Digest) ([]byte, error) { return blobs.Read(d, protocol.MaxBulletin) }
	return m, nil
}

// openBundle opens an export; done closes it.
func openBundle(file string) (verify.Material, bundle.Manifest, func() error, error) {
	f, err := os.Open(file)
	if err != nil {
		return verify.Material{}, bundle.Manifest{}, nil, fmt.Errorf("%w: %w", errRefused, err)
	}
	info, err := f.Stat()
	if err != nil {
		return verify.Material{}, bundle.Manifest{}, nil, errors.Join(err, f.Close())
	}
	m, manifest, err := bundle.Read(f, info.Size())
	if err != nil {
		return m, manifest, nil, errors.Join(fmt.Errorf("%w: %s: %w", errRefused, file, err), f.Close())
	}
	return m, manifest, f.Close, nil
}

// days returns the bounds of two local days, the last included; zero for none.
func days(from, to string, zone *time.Location) (start, end time.Time, err error) {
	bad := func(day string) error { return fmt.Errorf("%w: %.20q is no day like 2026-01-31", errRefused, day) }
	if from != "" {
		if start, err = time.ParseInLocation(time.DateOnly, from, zone); err != nil {
			return start, end, bad(from)
		}
	}
	if to != "" {
		if end, err = time.ParseInLocation(time.DateOnly, to, zone); err != nil {
			return start, end, bad(to)
		}
		end = end.AddDate(0, 0, 1)
	}
	if from != "" && to != "" && !start.Before(end) {
		return start, end, fmt.Errorf("%w: the last day is before the first", errRefused)
	}
	return start, end, nil
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
	for _, back := range r.Restores {
		if !v.JSON {
			s.printf("restored: %s from %s (record %d): what was done after %s and before is not in this record\n", back.At.UTC().Format(time.RFC3339), back.Archive, back.Seq, back.AsOf)
		}
	}
	for _, p := range r.Problems {
		fmt.Fprintln(s.errOut, "WRONG:", p)
	}
	if !v.JSON {
		s.printf("checked: %d plans, %d airings' approvals by %d passkeys and %d keys held by the hub, %d receipts, %d records of acts under %d checkpoints (%d since the last); %d things wrong\n",
			r.Plans, r.Approvals, r.Passkeys, r.HubKeys, r.Receipts, r.Records, r.Checkpoints, r.Unsigned, len(r.Problems))
		if len(r.ByWord) > 0 {
			s.printf("the hub's word alone for key or media of: %v (loa-hub device attest)\n", r.ByWord)
		}
	}
	if len(r.Problems) > 0 {
		return fmt.Errorf("%w: see the lines above", errWrong)
	}
	return nil
}

type exportCmd struct {
	From      string `help:"First day (2026-01-31)." required:""`
	To        string `help:"Last day." required:""`
	Anonymous bool   `help:"Leave out who did what from where; pseudonyms stay."`
	Out       string `arg:"" help:"File to write." type:"path"`
}

// Run writes what an outside auditor checks with verify --export.
func (c exportCmd) Run(s *session) error {
	return s.with(func(b *hub.Base) (err error) {
		from, to, err := days(c.From, c.To, b.Zone)
		if err != nil {
			return err
		}
		made := time.Now().Truncate(time.Millisecond)
		act := audit.Act{Name: "material exported", After: map[string]string{"from": c.From, "to": c.To, "anonymous": strconv.FormatBool(c.Anonymous)}}
		if err := errors.Join(b.DB.Audit().Record(s.ctx, act), b.Checkpoint(s.ctx)); err != nil {
			return err
		}
		all, err := material(s, b)
		if err != nil {
			return err
		}
		m := all.Between(from, to, made)
		if c.Anonymous {
			m.Audit.Anonymous, m.Audit.Privates, m.Audit.Salts = true, nil, nil
		}
		// What a check looks at is what goes along. Roots of its own choosing do: the
		// auditor brings others.
		documents := map[protocol.Digest][]byte{}
		m.Roots = b.FirstRoots
		m.Document = func(d protocol.Digest) ([]byte, error) {
			raw, err := all.Document(d)
			if err == nil {
				documents[d] = raw
			}
			return raw, err
		}
		r := verify.Check(m)
		f, err := os.OpenFile(c.Out, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("%w: there is a file %s already; name another", errRefused, c.Out)
		}
		if err != nil {
			return fmt.Errorf("%w: %w", errRefused, err)
		}
		if err := errors.Join(bundle.Write(f, m, documents, made), f.Close()); err != nil {
			return errors.Join(err, os.Remove(c.Out))
		}
		s.printf("%s: %d plans, %d receipts, %d records of acts; %d things wrong by the hub's own roots\n", c.Out, r.Plans, r.Receipts, r.Records, len(r.Problems))
		return nil
	})
}
