package protocol_test

import (
	"bytes"
	"encoding/base32"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/loa-vn/loa/protocol"
)

// An identifier is 1 to 64 of a-z, 0-9 and "-".
func TestIdentifiers(t *testing.T) {
	for name, id := range badIDs() {
		if protocol.ValidID(id) {
			t.Errorf("%s: %q was taken", name, id)
		}
	}
	for _, id := range []string{"a", "0", "-", "loa-dong", strings.Repeat("z", 64)} {
		if !protocol.ValidID(id) {
			t.Errorf("%q was refused", id)
		}
	}
}

// Generated ids are valid UUIDs of version 7 and sort by their time.
func TestNewIDSortsByTime(t *testing.T) {
	entropy := rand.NewChaCha8([32]byte{1})
	start := time.Date(2026, 11, 23, 3, 0, 0, 0, time.UTC)
	var ids []string
	for i := range 1000 {
		id, err := protocol.NewID(start.Add(time.Duration(i)*37*time.Millisecond), entropy)
		if err != nil {
			t.Fatal(err)
		}
		if !protocol.ValidID(id) || len(id) != 26 {
			t.Fatalf("%q is no id of 26 characters", id)
		}
		ids = append(ids, id)
	}
	if !slices.IsSorted(ids) {
		t.Error("ids do not sort by their time")
	}
	if len(slices.Compact(slices.Clone(ids))) != len(ids) {
		t.Error("an id came twice")
	}
	u, err := base32.HexEncoding.WithPadding(base32.NoPadding).DecodeString(strings.ToUpper(ids[999]))
	if err != nil || len(u) != 16 || u[6]>>4 != 7 || u[8]>>6 != 2 {
		t.Errorf("%x is no UUID of version 7: %v", u, err)
	}
	var ms int64
	for _, b := range u[:6] {
		ms = ms<<8 | int64(b)
	}
	if want := start.Add(999 * 37 * time.Millisecond).UnixMilli(); ms != want {
		t.Errorf("id of %d ms, want %d", ms, want)
	}
}

func TestNewIDNeedsEntropy(t *testing.T) {
	if id, err := protocol.NewID(time.Unix(0, 0), bytes.NewReader(make([]byte, 9))); err == nil {
		t.Errorf("id %q of too little entropy", id)
	}
}

// A digest has one spelling.
func TestParseDigest(t *testing.T) {
	d := protocol.DigestOf([]byte("a"))
	if got, err := protocol.ParseDigest(d.String()); err != nil || got != d {
		t.Errorf("%v, %v", got, err)
	}
	for _, s := range []string{"", "00", strings.ToUpper(d.String()), d.String()[:63], d.String() + "0", strings.Repeat("g", 64), " " + d.String()[1:]} {
		if _, err := protocol.ParseDigest(s); !errors.Is(err, protocol.ErrInvalid) {
			t.Errorf("%q: %v", s, err)
		}
	}
	if !(protocol.Digest{}).IsZero() || d.IsZero() {
		t.Error("zero digest")
	}
}

// A word of a closed set is read as the value that it was written for.
func TestNames(t *testing.T) {
	names(t, protocol.ParseName, protocol.ClassNormal, protocol.ClassPriority, protocol.ClassEmergency)
	names(t, protocol.ParseName, protocol.Restart, protocol.Resume, protocol.Drop)
	names(t, protocol.ParseName, protocol.MediumSound, protocol.MediumBoard)
	names(t, protocol.ParseName, protocol.OutcomePlayed, protocol.OutcomeCut, protocol.OutcomeSkipped, protocol.OutcomeLost)
	names(t, protocol.ParseName, protocol.ReasonNoPlan, protocol.ReasonBadSignature, protocol.ReasonDrill)
	if protocol.Known(protocol.Class(0)) || protocol.Known(protocol.Class(4)) || !protocol.Known(protocol.Restart) {
		t.Error("known values")
	}
	for _, word := range []string{"", "khẩn cấp", "Normal"} {
		if c, err := protocol.ParseName[protocol.Class](word); !errors.Is(err, protocol.ErrInvalid) {
			t.Errorf("class %q: %v, %v", word, c, err)
		}
	}
	if got := protocol.Class(9).String(); got != "unknown(9)" {
		t.Errorf("class 9 is called %q", got)
	}
}

func names[T interface {
	comparable
	String() string
}](t *testing.T, parse func(string) (T, error), vs ...T) {
	t.Helper()
	for _, v := range vs {
		if got, err := parse(v.String()); err != nil || got != v {
			t.Errorf("%q read as %v, %v", v.String(), got, err)
		}
	}
}
