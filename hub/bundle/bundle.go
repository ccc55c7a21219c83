// Package bundle writes and reads what an outside auditor gets: one file with
// the signed material of a stretch of days, the documents that it names and the
// records of acts. It believes nothing of what it reads, and checks nothing but
// sizes: that is verify's.
package bundle

import (
	"archive/zip"
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/fxamacker/cbor/v2"
	"github.com/loa-vn/loa/hub/audit"
	"github.com/loa-vn/loa/hub/verify"
	"github.com/loa-vn/loa/protocol"
)

// version of the file's form.
const version = 1

// Bounds of what is read, unpacked, in bytes: a file that says more is refused.
const (
	maxPart     = 2 << 30
	maxDocument = protocol.MaxBulletin
	maxManifest = 64 << 10
)

// ErrBad: the file is no bundle, or too large.
var ErrBad = errors.New("not an export of a hub")

// Manifest says what the file is.
type Manifest struct {
	Version   int       `json:"version"`
	Made      time.Time `json:"made"`
	From      time.Time `json:"from"`
	To        time.Time `json:"to"` // not included
	Zone      string    `json:"zone"`
	Anonymous bool      `json:"anonymous"`
}

// Write writes a bundle. documents are found by their digests.
func Write(w io.Writer, m verify.Material, documents map[protocol.Digest][]byte, made time.Time) error {
	z := zip.NewWriter(w)
	manifest := Manifest{Version: version, Made: made.UTC(), From: m.From.UTC(), To: m.To.UTC(), Zone: m.Zone.String(), Anonymous: m.Audit.Anonymous}
	f, err := z.Create("manifest.json")
	if err != nil {
		return err
	}
	if err := json.NewEncoder(f).Encode(manifest); err != nil {
		return err
	}
	for _, p := range parts(&m) {
		if f, err = z.Create(p.name); err != nil {
			return err
		}
		if err := p.write(f); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
	}
	for _, d := range slices.SortedFunc(maps.Keys(documents), func(a, b protocol.Digest) int { return strings.Compare(a.String(), b.String()) }) {
		if f, err = z.Create(documentPrefix + d.String()); err != nil {
			return err
		}
		if _, err := f.Write(documents[d]); err != nil {
			return err
		}
	}
	return z.Close()
}

const documentPrefix = "documents/"

// Read reads a bundle. Roots and the present time are the caller's. Error: ErrBad.
func Read(r io.ReaderAt, size int64) (verify.Material, Manifest, error) {
	z, err := zip.NewReader(r, size)
	if err != nil {
		return verify.Material{}, Manifest{}, fmt.Errorf("%w: %w", ErrBad, err)
	}
	files := map[string]*zip.File{}
	for _, f := range z.File {
		files[f.Name] = f
	}
	var manifest Manifest
	b, err := whole(files["manifest.json"], maxManifest)
	if err == nil {
		err = json.Unmarshal(b, &manifest)
	}
	if err != nil || manifest.Version != version {
		return verify.Material{}, Manifest{}, fmt.Errorf("%w (%w)", ErrBad, errors.Join(err, errors.New("manifest")))
	}
	m := verify.Material{From: manifest.From, To: manifest.To, Stretch: true}
	if m.Zone, err = time.LoadLocation(manifest.Zone); err != nil || manifest.From.IsZero() || manifest.To.IsZero() {
		return verify.Material{}, Manifest{}, fmt.Errorf("%w: bad days or zone", ErrBad)
	}
	for _, p := range parts(&m) {
		if err := p.read(files[p.name]); err != nil {
			return verify.Material{}, Manifest{}, fmt.Errorf("%w: %s: %w", ErrBad, p.name, err)
		}
	}
	m.Audit.From, m.Audit.To, m.Audit.Made, m.Audit.Anonymous = manifest.From, manifest.To, manifest.Made, manifest.Anonymous
	m.Document = func(d protocol.Digest) ([]byte, error) {
		b, err := whole(files[documentPrefix+d.String()], maxDocument)
		if err == nil && protocol.DigestOf(b) != d {
			err = fmt.Errorf("document %s was changed: %w", d, ErrBad)
		}
		return b, err
	}
	return m, manifest, nil
}

func whole(f *zip.File, limit int64) ([]byte, error) {
	if f == nil {
		return nil, fmt.Errorf("missing: %w", ErrBad)
	}
	r, err := f.Open()
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err = errors.Join(err, r.Close()); err == nil && int64(len(b)) > limit {
		err = fmt.Errorf("more than %d bytes: %w", limit, ErrBad)
	}
	return b, err
}

// part is one list of the material: a sequence of CBOR items (RFC 8742).
type part struct {
	name  string
	write func(io.Writer) error
	read  func(*zip.File) error
}

func parts(m *verify.Material) []part {
	return []part{
		list("trust.cbor", &m.Trust), list("devices.cbor", &m.Devices), list("plans.cbor", &m.Plans),
		list("heads.cbor", &m.Heads), list("entries.cbor", &m.Entries),
		list("records.cbor", &m.Audit.Rows), list("people.cbor", &m.Audit.Privates), list("salts.cbor", &m.Audit.Salts),
		list("checkpoints.cbor", &m.Audit.Checkpoints),
	}
}

func list[T verify.Document | verify.Device | verify.Plan | verify.Head | verify.Entry | audit.Row | audit.Private | audit.Salt | []byte](name string, items *[]T) part {
	return part{
		name: name,
		write: func(w io.Writer) error {
			mode, err := cbor.EncOptions{Time: cbor.TimeRFC3339Nano}.EncMode()
			if err != nil {
				return err
			}
			enc := mode.NewEncoder(w)
			for _, v := range *items {
				if err := enc.Encode(v); err != nil {
					return err
				}
			}
			return nil
		},
		read: func(f *zip.File) error {
			if f == nil {
				return errors.New("missing")
			}
			r, err := f.Open()
			if err != nil {
				return err
			}
			least, err := shortest[T]()
			if err != nil {
				return errors.Join(err, r.Close())
			}
			dec := cbor.NewDecoder(bufio.NewReader(io.LimitReader(r, maxPart)))
			for {
				var v T
				before := dec.NumBytesRead()
				err := dec.Decode(&v)
				if errors.Is(err, io.EOF) {
					return r.Close()
				}
				if err == nil && dec.NumBytesRead()-before < least {
					err = fmt.Errorf("an item of %d bytes: %w", dec.NumBytesRead()-before, ErrBad)
				}
				if err != nil {
					return errors.Join(err, r.Close())
				}
				*items = append(*items, v)
			}
		},
	}
}

// signature is the shortest that is signed, in bytes.
const signature = 64

// shortest is how many bytes an item takes at least: its fields' names, or a
// signature. Were there shorter ones, a small file could become a large list.
func shortest[T any]() (int, error) {
	var v T
	b, err := cbor.Marshal(v)
	if _, ok := any(v).([]byte); ok {
		return signature, err
	}
	return len(b), err
}
