package api

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/loa-vn/loa/hub/account"
	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/hub/reach"
	"github.com/loa-vn/loa/hub/registry"
	"github.com/loa-vn/loa/protocol"
)

// Sheets reads and writes spreadsheets.
type Sheets interface {
	// Reach writes the report on a bulletin as a workbook: its title, what its author is called; name gives a device's.
	Reach(w io.Writer, title, author string, r reach.Report, name func(protocol.DeviceID) string, zone *time.Location) error
	// CSV returns a file as CSV: a workbook's first sheet, or what is none as it is.
	CSV(file []byte) ([]byte, error)
}

const workbook = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

// maxUnitsFile is the longest file of units, in bytes.
const maxUnitsFile = 16 << 20

// ImportBody is what an import of units did, or would do.
type ImportBody struct {
	Added    int               `json:"added"`
	Changed  int               `json:"changed"`
	Same     int               `json:"same"`
	Counted  int               `json:"counted" doc:"villages whose population was signed"`
	Cleaned  int               `json:"cleaned" doc:"names that were not in Unicode's form NFC"`
	Dangling int               `json:"dangling" doc:"mappings of an address database whose unit is not in it; left out"`
	Moved    int               `json:"moved" doc:"its mappings of former units that could be followed"`
	Lines    []registry.Parsed `json:"lines" doc:"the first units of the file, as they were read"`
}

type importInput struct {
	Body struct {
		File              []byte          `json:"file" doc:"CSV, XLSX, or the address database's JSON, in base64"`
		Below             protocol.UnitID `json:"below,omitempty" maxLength:"64" doc:"unit that the file's top belongs to"`
		ValidFrom         protocol.Date   `json:"valid_from,omitempty" doc:"of units from an address database; 2025-07-01 by default"`
		Dry               bool            `json:"dry" doc:"check only"`
		RegistrarPassword string          `json:"registrar_password,omitempty" maxLength:"800" doc:"needed where villages' people change"`
	}
}

type importOutput struct{ Body ImportBody }

func registerSheets(api huma.API, s *Server) {
	if s.Reach != nil && s.Bulletins != nil {
		route(api, s, huma.Operation{
			OperationID: "get-reach-sheet", Method: http.MethodGet, Path: "/bulletins/{id}/reach.xlsx", Summary: "Who was reached, as a spreadsheet", Tags: []string{"reach"},
		}, s.reachSheet)
	}
	route(api, s, huma.Operation{
		OperationID: "import-units", Method: http.MethodPost, Path: "/units/import", Summary: "Import units from CSV, XLSX or an address database; dry run first", Tags: []string{"units"},
		MaxBodyBytes: 2 * maxUnitsFile,
	}, s.importUnits)
}

func (s *Server) reachSheet(ctx context.Context, a account.Actor, in *BulletinPath) (*huma.StreamResponse, error) {
	b, err := s.Bulletins.Get(ctx, a, in.ID)
	if err != nil {
		return nil, err
	}
	r, err := s.Reach.Bulletin(ctx, a, in.ID)
	if err != nil {
		return nil, err
	}
	devices, err := s.Registry.Devices(ctx)
	if err != nil {
		return nil, err
	}
	names := map[protocol.DeviceID]string{}
	for _, d := range devices {
		names[d.ID] = d.Name
	}
	name := func(id protocol.DeviceID) string {
		if n := names[id]; n != "" {
			return n
		}
		return string(id)
	}
	var out bytes.Buffer
	if err := s.Sheets.Reach(&out, b.Title, s.calling(ctx)(b.Author), r, name, s.Zone); err != nil {
		return nil, err
	}
	return &huma.StreamResponse{Body: func(ctx huma.Context) {
		ctx.SetHeader("Content-Type", workbook)
		ctx.SetHeader("Content-Disposition", fmt.Sprintf(`attachment; filename="loa-%s.xlsx"`, in.ID))
		// A client that has gone needs no answer.
		_, _ = ctx.BodyWriter().Write(out.Bytes())
	}}, nil
}

func (s *Server) importUnits(ctx context.Context, a account.Actor, in *importInput) (*importOutput, error) {
	if len(in.Body.File) > maxUnitsFile {
		return nil, problem.ErrTooLarge
	}
	tree, err := s.Registry.Tree(ctx)
	if err != nil {
		return nil, err
	}
	var read registry.File
	if registry.IsAddresses(in.Body.File) {
		from := in.Body.ValidFrom
		if from == "" {
			from = "2025-07-01"
		}
		read, err = registry.ReadAddresses(in.Body.File, tree, in.Body.Below, from)
	} else {
		var text []byte
		if text, err = s.Sheets.CSV(in.Body.File); err == nil {
			read, err = registry.ReadFile(text)
		}
	}
	if err != nil {
		return nil, err
	}
	// Whoever imports administers what the file's units belong to.
	for _, top := range read.Above(tree) {
		if top == "" && !administersAll(a, tree) {
			return nil, problem.ErrForbidden
		}
		if top != "" {
			if _, err := s.path(ctx, a, account.Administer, top); err != nil {
				return nil, err
			}
		}
	}
	done, err := s.Registry.Import(ctx, bytes.NewReader(read.CSV), in.Body.Dry, in.Body.RegistrarPassword, a.Person)
	if err != nil {
		return nil, err
	}
	return &importOutput{Body: ImportBody{
		Added: done.Added, Changed: done.Changed, Same: done.Same, Counted: done.Counted,
		Cleaned: read.Cleaned, Dangling: read.Dangling, Moved: read.Moved, Lines: read.First,
	}}, nil
}

// administersAll says whether the actor administers every top of the tree.
func administersAll(a account.Actor, tree registry.Tree) bool {
	for _, top := range tree.Top() {
		if !a.May(account.Administer, tree.Path(top)) {
			return false
		}
	}
	return true
}
