package protocol_test

import (
	"crypto/sha256"
	"errors"
	"strings"
	"testing"

	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/protocoltest"
)

func key(seed string) protocol.Key {
	public := sha256.Sum256([]byte(seed))
	return protocol.Key{Kind: protocol.KeyEd25519, Public: public[:]}
}

func TestAClaimReadsBackInEitherCase(t *testing.T) {
	var c protocol.Claim
	for i := range c.Secret {
		c.Secret[i], c.Fingerprint[i] = byte(i*17), byte(255-i)
	}
	for _, text := range []string{c.String(), strings.ToLower(c.String()), "\t" + c.String() + " \n"} {
		if got, err := protocol.ParseClaim(text); err != nil || got != c {
			t.Errorf("%q: %v %v", text, got, err)
		}
	}
	good := c.String()
	for name, text := range map[string]string{
		"empty":           "",
		"another version": "loa2." + good[5:],
		"cut short":       good[:len(good)-1],
		"one part":        good[:strings.LastIndex(good, ".")],
		"too long":        good + "A",
		"three parts":     good + ".AA",
		"stray bits":      good[:len(good)-1] + "B",
		"other letters":   strings.Replace(good, "A", "1", 1),
	} {
		if _, err := protocol.ParseClaim(text); !errors.Is(err, protocol.ErrClaim) {
			t.Errorf("%s: %v", name, err)
		} else if strings.Contains(err.Error(), good[5:20]) {
			t.Errorf("%s: the error tells the secret", name)
		}
	}
}

func TestAFingerprintIsOfAllRootsAndTheCA(t *testing.T) {
	ca := []byte("certificate")
	one, two := key("one"), key("two")
	both := protocol.FingerprintOf(protocol.Roots{Threshold: 1, Keys: []protocol.Key{one, two}}, ca)
	if both != protocol.FingerprintOf(protocol.Roots{Threshold: 1, Keys: []protocol.Key{two, one}}, ca) {
		t.Error("the order of the roots changes it")
	}
	for name, other := range map[string]protocol.Fingerprint{
		"a root less":  protocol.FingerprintOf(protocol.Roots{Threshold: 1, Keys: []protocol.Key{one}}, ca),
		"another":      protocol.FingerprintOf(protocol.Roots{Threshold: 1, Keys: []protocol.Key{one, key("three")}}, ca),
		"two of them":  protocol.FingerprintOf(protocol.Roots{Threshold: 2, Keys: []protocol.Key{one, two}}, ca),
		"a later list": protocol.FingerprintOf(protocol.Roots{Threshold: 1, Number: 7, Keys: []protocol.Key{one, two}}, ca),
		"another CA":   protocol.FingerprintOf(protocol.Roots{Threshold: 1, Keys: []protocol.Key{one, two}}, []byte("certificat2")),
	} {
		if other == both {
			t.Errorf("%s has the same fingerprint", name)
		}
	}
}

func TestRootsMustBeKeys(t *testing.T) {
	for name, roots := range map[string][][]byte{
		"none": nil, "short": {make([]byte, 31)}, "too many": make([][]byte, 17),
	} {
		if _, err := (protocol.Anchors{Roots: roots}).RootList(); !errors.Is(err, protocol.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	k := key("one")
	keys, err := protocol.Anchors{Roots: [][]byte{k.Public}}.RootList()
	if err != nil || len(keys.Keys) != 1 || keys.Keys[0].ID() != k.ID() {
		t.Errorf("%v %v", keys, err)
	}
}

// What a technician brings is read in bounds, and says one thing alone.
func FuzzParseStick(f *testing.F) {
	for _, s := range []string{`{"loa_stick":1,"request":{"secret":"AA==","csr":"x"}}`, `{"loa_stick":1,"installation":{"claim":"loa1.x","held":{"roots":["AA=="],"lists":["AA=="]}}}`, `{"loa_stick":1,"answer":{}}`, `{}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := protocol.ParseStick(b)
		if err != nil && !errors.Is(err, protocol.ErrInvalid) {
			t.Errorf("refused as %v", err)
		}
		if err == nil && (s.Version != protocol.StickVersion || s.Installation == nil && s.Request == nil && s.Answer == nil) {
			t.Errorf("read %+v", s)
		}
		protocoltest.HoldMemory(t, "stick", len(b), func() { _, _ = protocol.ParseStick(b) })
	})
}

func FuzzParseClaim(f *testing.F) {
	f.Add(protocol.Claim{}.String())
	f.Add("loa1..")
	f.Add("loa1.AAAAAAAAAAAAAAAAAAAAAAAAAA.7777777777777777777777777Y")
	f.Fuzz(func(t *testing.T, text string) {
		protocoltest.HoldMemory(t, "claim", len(text), func() { _, _ = protocol.ParseClaim(text) })
		c, err := protocol.ParseClaim(text)
		if err != nil {
			return
		}
		if got := c.String(); !strings.EqualFold(got, strings.TrimSpace(text)) {
			t.Errorf("%q reads as %q", text, got)
		}
	})
}
