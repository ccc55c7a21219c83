package api

import (
	"cmp"
	"context"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/loa-vn/loa/hub/account"
	"github.com/loa-vn/loa/hub/audit"
	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/protocol"
)

// Journal is the record of acts.
type Journal interface {
	Entries(ctx context.Context, q audit.Query) ([]audit.Entry, error)
	// Names finds what groups, programmes, bulletins, airings, templates, devices and
	// units of these ids are called now; what is none of them is left out.
	Names(ctx context.Context, ids []string) (map[string]string, error)
	// Check recomputes the whole chain.
	Check(ctx context.Context) (audit.Report, error)
}

// CheckedBody is what the hub found when it recomputed its record of acts. Whoever
// does not trust the hub runs loa-hub verify, elsewhere.
type CheckedBody struct {
	Records     int       `json:"records"`
	Checkpoints int       `json:"checkpoints" doc:"signatures of the hub over the chain"`
	Unsigned    int       `json:"unsigned" doc:"records after the last of them"`
	Problems    []string  `json:"problems" doc:"what does not add up; empty if all does"`
	At          time.Time `json:"at"`
}

type checkedOutput struct{ Body CheckedBody }

// ValueBody is one value of a record.
type ValueBody struct {
	Name   string `json:"name"`
	Value  string `json:"value"`
	Called string `json:"value_name,omitempty" doc:"what is called so now, where the value is an id, or a list of them"`
}

// RecordBody is one act. Who, about whom and from where are missing where they
// were erased.
type RecordBody struct {
	Seq      uint64            `json:"seq"`
	At       time.Time         `json:"at"`
	Act      string            `json:"act"`
	Person   protocol.PersonID `json:"person,omitempty" doc:"who; missing for the hub itself"`
	Called   string            `json:"person_name,omitempty" doc:"what they are called now"`
	Erased   bool              `json:"erased,omitempty" doc:"who it was has been erased"`
	Address  string            `json:"address,omitempty"`
	Via      string            `json:"via,omitempty" doc:"session, token, command or drop"`
	Subject  string            `json:"subject,omitempty"`
	Named    string            `json:"subject_name,omitempty" doc:"what the subject is called now"`
	About    protocol.PersonID `json:"about,omitempty" doc:"whom it was about"`
	Of       string            `json:"about_name,omitempty" doc:"what they are called now"`
	Unit     protocol.UnitID   `json:"unit,omitempty"`
	Before   []ValueBody       `json:"before,omitempty"`
	After    []ValueBody       `json:"after,omitempty"`
	Personal []ValueBody       `json:"personal,omitempty"`
	Hash     string            `json:"previous" doc:"hash of the record before"`
}

// idFields are the values of records that are ids, or lists of them.
var idFields = map[string]bool{"airing": true, "bulletin": true, "cancels": true, "group": true, "members": true, "replaces": true, "unit": true, "units": true}

// idsIn are the ids in a value, which fmt has put into brackets where it is a list.
func idsIn(f audit.Field) []string {
	if !idFields[f.Name] {
		return nil
	}
	return strings.Fields(strings.Trim(f.Value, "[]"))
}

// naming says what an id is called; "" if nothing is known of it.
type naming map[string]string

// naming asks once for all ids of some records.
func (s *Server) naming(ctx context.Context, entries []audit.Entry) (naming, error) {
	ids := map[string]bool{}
	for _, e := range entries {
		ids[e.Record.Subject] = true
		for _, f := range slices.Concat(e.Record.Before, e.Record.After) {
			for _, id := range idsIn(f) {
				ids[id] = true
			}
		}
	}
	delete(ids, "")
	names, err := s.Journal.Names(ctx, slices.Sorted(maps.Keys(ids)))
	return names, err
}

func (n naming) values(fields []audit.Field) []ValueBody {
	var out []ValueBody
	for _, f := range fields {
		v := ValueBody{Name: f.Name, Value: f.Value}
		named := false
		var called []string
		for _, id := range idsIn(f) {
			named = named || n[id] != ""
			called = append(called, cmp.Or(n[id], id))
		}
		if named {
			v.Called = strings.Join(called, ", ")
		}
		out = append(out, v)
	}
	return out
}

func recordBody(e audit.Entry, who calling, n naming) RecordBody {
	r := e.Record
	return RecordBody{
		Seq: r.Seq, At: r.At.Time(), Act: r.Act, Person: e.Person, Called: who(e.Person), Erased: r.Who != "" && e.Person == "", Address: e.Address, Via: r.Via,
		Subject: r.Subject, Named: n[r.Subject], About: e.About, Of: who(e.About), Unit: r.Unit, Before: n.values(r.Before), After: n.values(r.After), Personal: n.values(e.Personal),
		Hash: r.Prev.String(),
	}
}

type (
	recordsInput struct {
		From    time.Time         `query:"from" doc:"first instant"`
		To      time.Time         `query:"to" doc:"last instant, not included"`
		Person  protocol.PersonID `query:"person" maxLength:"64"`
		Act     string            `query:"act" maxLength:"100"`
		Subject string            `query:"subject" maxLength:"100" doc:"id of a bulletin, airing, device, person, ..."`
		Unit    protocol.UnitID   `query:"unit" maxLength:"64" doc:"with all below it"`
		Before  uint64            `query:"before" doc:"the lowest seq of the page before"`
		Limit   int               `query:"limit" minimum:"1" maximum:"200" default:"50"`
	}
	recordsOutput struct {
		Body struct {
			Records []RecordBody `json:"records" doc:"the newest first"`
			Next    uint64       `json:"next,omitempty" doc:"for before; missing on the last page"`
		}
	}
)

func registerRecords(api huma.API, s *Server) {
	route(api, s, huma.Operation{
		OperationID: "check-records", Method: http.MethodGet, Path: "/records/check", Summary: "Recompute the whole record of acts: nothing changed, nothing missing", Tags: []string{"records"},
	}, s.checkRecords)
	route(api, s, huma.Operation{
		OperationID: "list-records", Method: http.MethodGet, Path: "/records", Summary: "The record of acts in the caller's units, for auditors", Tags: []string{"records"},
	}, func(ctx context.Context, actor account.Actor, in *recordsInput) (*recordsOutput, error) {
		q := audit.Query{From: in.From, To: in.To, Person: in.Person, Act: in.Act, Subject: in.Subject, Before: in.Before, Limit: in.Limit + 1}
		var err error
		if q.Units, err = s.audited(ctx, actor, in.Unit); err != nil {
			return nil, err
		}
		entries, err := s.Journal.Entries(ctx, q)
		if err != nil {
			return nil, err
		}
		out := &recordsOutput{}
		out.Body.Records = []RecordBody{}
		if len(entries) > in.Limit {
			entries = entries[:in.Limit]
			out.Body.Next = entries[in.Limit-1].Record.Seq
		}
		who := s.calling(ctx)
		names, err := s.naming(ctx, entries)
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			out.Body.Records = append(out.Body.Records, recordBody(e, who, names))
		}
		return out, nil
	})
}

// checkRecords recomputes the chain; who audits a unit may know whether it holds.
func (s *Server) checkRecords(ctx context.Context, actor account.Actor, _ *nothing) (*checkedOutput, error) {
	if len(actor.Units(account.Audit)) == 0 {
		return nil, problem.ErrForbidden
	}
	r, err := s.Journal.Check(ctx)
	if err != nil {
		return nil, err
	}
	return &checkedOutput{Body: CheckedBody{Records: r.Records, Checkpoints: r.Checkpoints, Unsigned: r.Unsigned, Problems: append([]string{}, r.Problems...), At: time.Now()}}, nil
}

// audited returns the units whose records the actor may read, nil for all: who
// audits the top sees acts of no unit too. Error: problem.ErrForbidden.
func (s *Server) audited(ctx context.Context, actor account.Actor, unit protocol.UnitID) ([]protocol.UnitID, error) {
	tree, err := s.Registry.Tree(ctx)
	if err != nil {
		return nil, err
	}
	own := actor.Units(account.Audit)
	if len(own) == 0 {
		return nil, problem.ErrForbidden
	}
	if unit != "" {
		if _, err := s.path(ctx, actor, account.Audit, unit); err != nil {
			return nil, err
		}
		return tree.Below(unit), nil
	}
	units := []protocol.UnitID{}
	all := len(tree.Top()) > 0
	for _, top := range tree.Top() {
		all = all && actor.May(account.Audit, tree.Path(top))
	}
	if all {
		return nil, nil
	}
	for _, u := range own {
		units = append(units, tree.Below(u)...)
	}
	return units, nil
}
