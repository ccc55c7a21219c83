package envelope

import (
	"fmt"
	"slices"
	"time"

	"github.com/loa-vn/loa/protocol"
)

// Grant is an approval that was checked: what it allows, and who gave it.
type Grant struct {
	Statement protocol.Statement
	People    []protocol.PersonID
	// Keys are the kinds of the keys by which People signed, in their order.
	Keys []protocol.KeyKind
}

// Claim is an airing with the documents that must stand behind it.
type Claim struct {
	Airing   protocol.Airing
	Bulletin []byte // encoded protocol.Bulletin, verbatim
	Approval []byte // encoded protocol.Approval
	// Path is the device's units from the top; the airing's unit is on it.
	Path []protocol.UnitID
}

// CheckApproval decides whether a claim is approved: the very bulletin, by
// people whom a registrar named for its unit and class, other than its author,
// two different ones for an emergency. Days and plays a day are judged for each
// occurrence (Grant.Day, Statement.PlaysPerDay). now is when the claim arrived,
// for the expiry of lists and of their registrar's delegation; zero leaves that
// out. The airing must give a sound its whole length (Sound.Length), and name
// this bulletin and this approval by digest. Errors: those of Check and
// protocol.Unmarshal; ErrNotPermitted, ErrExpired.
func (c *Chain) CheckApproval(claim Claim, now time.Time) (Grant, error) {
	a := claim.Airing
	fail := func(why string, kind error) (Grant, error) {
		return Grant{}, fmt.Errorf("approval of airing %s: %s: %w", a.ID, why, kind)
	}
	bulletin, err := protocol.Unmarshal[protocol.Bulletin](claim.Bulletin, protocol.MaxBulletin)
	if err != nil {
		return Grant{}, err
	}
	approval, err := protocol.Unmarshal[protocol.Approval](claim.Approval, protocol.MaxApproval)
	if err != nil {
		return Grant{}, err
	}
	s, err := protocol.Unmarshal[protocol.Statement](approval.Statement, protocol.MaxApproval)
	if err != nil {
		return Grant{}, err
	}
	switch digest := protocol.DigestOf(claim.Bulletin); {
	case digest != a.Bulletin.Digest, digest != s.Bulletin:
		return fail("of another bulletin", ErrNotPermitted)
	case protocol.DigestOf(claim.Approval) != a.Approval.Digest:
		return fail("it names another approval", ErrNotPermitted)
	case bulletin.Class != a.Class, s.Class != a.Class, s.Drill != a.Drill:
		return fail("of another class", ErrNotPermitted)
	case a.Night && !s.Night:
		return fail("without night permission", ErrNotPermitted)
	case !Covers(s.Units, claim.Path, a.Unit):
		return fail("not for unit "+string(a.Unit), ErrNotPermitted)
	case !sounds(a, bulletin), a.BoardFor > 0 && bulletin.Board == nil:
		return fail("sound or board is not the bulletin's", ErrNotPermitted)
	case a.Sound != nil && !whole(a, bulletin):
		return fail("another length than the bulletin's sound", ErrNotPermitted)
	}
	grant := Grant{Statement: s}
	signed := make([]seal, 0, len(approval.Signatures)+len(approval.Assertions))
	for _, sig := range approval.Signatures {
		signed = append(signed, seal{kind: protocol.KeyEd25519, signature: sig})
	}
	for _, a := range approval.Assertions {
		signed = append(signed, seal{kind: protocol.KeyPasskey, assertion: a})
	}
	for _, one := range signed {
		person, err := c.signer(one, approval.Statement, s, claim, now)
		if err != nil {
			return Grant{}, err
		}
		if person == bulletin.Author {
			return fail("by its own author", ErrNotPermitted)
		}
		if slices.Contains(grant.People, person) {
			return fail("twice by one person", ErrNotPermitted)
		}
		grant.People, grant.Keys = append(grant.People, person), append(grant.Keys, one.kind)
	}
	if a.Class == protocol.ClassEmergency && len(grant.People) < 2 {
		return fail("an emergency by one person", ErrNotPermitted)
	}
	return grant, nil
}

// sounds says whether an airing's sound, if it has one, is its bulletin's. That
// of a relay is the bulletin itself: nothing else has to be there beforehand.
func sounds(a protocol.Airing, b protocol.Bulletin) bool {
	switch {
	case a.Sound == nil:
		return true
	case b.Relay != nil:
		return *a.Sound == a.Bulletin
	}
	return b.Sound != nil && *a.Sound == b.Sound.Content
}

// whole says whether an airing gives a sound its whole length: exactly, or for
// an emergency at least, since that may be spoken by the device more slowly. A
// relay may be shorter than was approved.
func whole(a protocol.Airing, b protocol.Bulletin) bool {
	if b.Relay != nil {
		return a.SoundFor <= b.Relay.Length
	}
	length := protocol.MillisOf(b.Sound.Length())
	return a.SoundFor == length || (a.Class == protocol.ClassEmergency && a.SoundFor > length)
}

// CheckSignature decides whether a detached signature of a statement is by that
// person, who may give it for a unit on path. Errors: those of CheckApproval.
func (c *Chain) CheckSignature(statement, sig []byte, path []protocol.UnitID, unit protocol.UnitID, by protocol.PersonID, now time.Time) error {
	return c.checkOne(seal{kind: protocol.KeyEd25519, signature: sig}, statement, path, unit, by, now)
}

// CheckAssertion is CheckSignature for a passkey.
func (c *Chain) CheckAssertion(statement []byte, a protocol.Assertion, path []protocol.UnitID, unit protocol.UnitID, by protocol.PersonID, now time.Time) error {
	return c.checkOne(seal{kind: protocol.KeyPasskey, assertion: a}, statement, path, unit, by, now)
}

func (c *Chain) checkOne(one seal, statement []byte, path []protocol.UnitID, unit protocol.UnitID, by protocol.PersonID, now time.Time) error {
	s, err := protocol.Unmarshal[protocol.Statement](statement, protocol.MaxControl)
	if err != nil {
		return err
	}
	person, err := c.signer(one, statement, s, Claim{Airing: protocol.Airing{Unit: unit}, Path: path}, now)
	if err == nil && person != by {
		return fmt.Errorf("signed by %s, not %s: %w", person, by, ErrNotPermitted)
	}
	return err
}

// DemandsPasskey says whether a list of a unit on path, at or above unit, wants
// a class to be approved by passkeys alone.
func (c *Chain) DemandsPasskey(class protocol.Class, path []protocol.UnitID, unit protocol.UnitID) bool {
	for _, u := range path[:slices.Index(path, unit)+1] {
		if slices.Contains(c.approvers[u].Passkeys, class) {
			return true
		}
	}
	return false
}

// SiteOf returns the site at which a passkey on a list of path is used.
func (c *Chain) SiteOf(id protocol.KeyID, path []protocol.UnitID) (protocol.Site, bool) {
	for _, r := range c.rights(id, path) {
		if r.list.Site != nil {
			return *r.list.Site, true
		}
	}
	return protocol.Site{}, false
}

// MayApprove says whether a person has a right to approve a statement for a unit
// on path, by whatever key.
func (c *Chain) MayApprove(by protocol.PersonID, s protocol.Statement, path []protocol.UnitID, unit protocol.UnitID, now time.Time) bool {
	for _, u := range path {
		list := c.approvers[u]
		for _, p := range list.People {
			if p.Person == by && c.allows(right{p, list}, s, Claim{Airing: protocol.Airing{Unit: unit}, Path: path}, now) == nil {
				return true
			}
		}
	}
	return false
}

// seal is one person's signature of a statement, by either kind of key.
type seal struct {
	kind      protocol.KeyKind
	signature []byte
	assertion protocol.Assertion
}

// signer checks one person's signature and right to give it. One key always
// leads to one person, that of its first right on the path which allows it.
func (c *Chain) signer(one seal, statement []byte, s protocol.Statement, claim Claim, now time.Time) (protocol.PersonID, error) {
	if one.kind == protocol.KeyPasskey {
		return c.asserted(one.assertion, statement, s, claim, now)
	}
	key, err := c.signed(one.signature, statement)
	if err != nil {
		return "", err
	}
	if c.DemandsPasskey(s.Class, claim.Path, claim.Airing.Unit) {
		return "", fmt.Errorf("class %s wants passkeys: %w", s.Class, ErrNotPermitted)
	}
	err = fmt.Errorf("approval by a key of none of the lists on the path: %w", ErrNotPermitted)
	for _, r := range c.rights(key.ID(), claim.Path) {
		if err = c.allows(r, s, claim, now); err == nil {
			return r.Person, nil
		}
	}
	return "", err
}

// asserted is signer for a passkey. Its site is that of the list by which the
// person has the right.
func (c *Chain) asserted(a protocol.Assertion, statement []byte, s protocol.Statement, claim Claim, now time.Time) (protocol.PersonID, error) {
	id := protocol.KeyID(a.Key)
	if _, ok := c.known(id); !ok {
		return "", fmt.Errorf("approval by %x: %w", a.Key, ErrStranger)
	}
	err := fmt.Errorf("approval by a key of none of the lists on the path: %w", ErrNotPermitted)
	for _, r := range c.rights(id, claim.Path) {
		if r.list.Site == nil {
			err = fmt.Errorf("approvers of %s name no site of passkeys: %w", r.list.Unit, ErrNotPermitted)
			continue
		}
		if err = c.assert(a, r.Key, *r.list.Site, statement); err != nil {
			return "", err
		}
		if err = c.allows(r, s, claim, now); err == nil {
			return r.Person, nil
		}
	}
	return "", err
}

// allows decides whether one right covers a statement and the claim made on it.
func (c *Chain) allows(r right, s protocol.Statement, claim Claim, now time.Time) error {
	registrar, err := c.delegate(r.list.by, claim.Path, r.list.Unit, now)
	if err != nil {
		return fmt.Errorf("approvers of %s: %w", r.list.Unit, err)
	}
	at := s.At.Time()
	switch {
	case !slices.Contains(r.Classes, s.Class), !slices.Contains(registrar.Classes, s.Class):
		return fmt.Errorf("%s may not approve class %s: %w", r.Person, s.Class, ErrNotPermitted)
	case !Covers([]protocol.UnitID{r.list.Unit}, claim.Path, claim.Airing.Unit):
		return fmt.Errorf("%s may not approve for %s: %w", r.Person, claim.Airing.Unit, ErrNotPermitted)
	case at.Before(r.From.Time()) || !at.Before(r.Until.Time()):
		return fmt.Errorf("%s's right to approve: %w", r.Person, ErrExpired)
	case !now.IsZero() && !now.Before(r.list.Expires.Time()):
		return fmt.Errorf("approvers of %s: %w", r.list.Unit, ErrExpired)
	}
	return nil
}

// Day says whether an occurrence with this local start day lies in the days
// that were approved. Errors: ErrNotPermitted before them, ErrExpired after.
func (g Grant) Day(day protocol.Date) error {
	switch {
	case day < g.Statement.FirstDay:
		return fmt.Errorf("%s is before %s: %w", day, g.Statement.FirstDay, ErrNotPermitted)
	case day > g.Statement.LastDay:
		return fmt.Errorf("%s is after %s: %w", day, g.Statement.LastDay, ErrExpired)
	}
	return nil
}
