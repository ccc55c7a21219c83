// Package account knows the people who use the hub: their roles by unit, their
// log-in, their API tokens. It decides who may do what, in one place. It never
// renders anything and holds no key but wrapped ones.
package account

import (
	"slices"

	"github.com/loa-vn/loa/protocol"
)

// Role is what a person is in a unit and all below it.
type Role string

// The roles.
const (
	Editor        Role = "editor"        // writes, records, proposes airings
	Approver      Role = "approver"      // approves with a signature
	Operator      Role = "operator"      // watches devices, schedules what is approved
	Administrator Role = "administrator" // units, devices, people
	Auditor       Role = "auditor"       // reads all, the record of acts too, and changes nothing
	Technician    Role = "technician"    // installs and replaces devices
)

// Roles returns all roles.
func Roles() []Role {
	return []Role{Editor, Approver, Operator, Administrator, Auditor, Technician}
}

// Act is something that needs a right.
type Act string

// The acts.
const (
	Read       Act = "read"       // see a unit's bulletins, devices, figures
	Write      Act = "write"      // make and submit bulletins
	Approve    Act = "approve"    // approve or return
	Schedule   Act = "schedule"   // air what is approved, withdraw
	Stop       Act = "stop"       // silence at once
	Administer Act = "administer" // units, devices, people
	Install    Act = "install"    // add, place, photograph and claim devices
	Audit      Act = "audit"      // read the record of acts
)

// Acts returns all acts.
func Acts() []Act {
	return []Act{Read, Write, Approve, Schedule, Stop, Administer, Install, Audit}
}

// allowed lists the roles that an act needs one of.
func allowed(act Act) []Role {
	switch act {
	case Read:
		return Roles()
	case Stop:
		return []Role{Editor, Approver, Operator, Administrator}
	case Write:
		return []Role{Editor, Operator}
	case Approve:
		return []Role{Approver}
	case Schedule:
		return []Role{Editor, Approver, Operator}
	case Administer:
		return []Role{Administrator}
	case Install:
		return []Role{Technician, Administrator}
	case Audit:
		return []Role{Auditor, Administrator}
	}
	return nil
}

// Grant is one role in one unit.
type Grant struct {
	Unit protocol.UnitID
	Role Role
}

// Actor is a person as one request knows them. The zero value may do nothing.
type Actor struct {
	Person protocol.PersonID
	Name   string
	Grants []Grant
	// Due is what the person has to do before anything else.
	Due Due
	// ReadOnly actors came with a token that changes nothing.
	ReadOnly bool
}

// May says whether the actor may act on a unit, given its path from the top.
func (a Actor) May(act Act, path []protocol.UnitID) bool {
	if a.ReadOnly && act != Read && act != Audit {
		return false
	}
	roles := allowed(act)
	return slices.ContainsFunc(a.Grants, func(g Grant) bool {
		return slices.Contains(roles, g.Role) && slices.Contains(path, g.Unit)
	})
}

// Units returns the units where the actor holds a role that allows act.
func (a Actor) Units(act Act) []protocol.UnitID {
	var units []protocol.UnitID
	for _, g := range a.Grants {
		if slices.Contains(allowed(act), g.Role) && !slices.Contains(units, g.Unit) {
			units = append(units, g.Unit)
		}
	}
	return units
}
