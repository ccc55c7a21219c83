package e2e

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// said is a pair of texts of the source, as far as it is written out there.
type said struct {
	at, vi, en string
	refusal    bool // or a part of some other sentence
}

// written is the text of an expression, with … for what is only known later.
func written(e ast.Expr) string {
	switch x := e.(type) {
	case *ast.BasicLit:
		if s, err := strconv.Unquote(x.Value); err == nil && x.Kind == token.STRING {
			return regexp.MustCompile(`%[-+#.0-9]*[a-zA-Z]`).ReplaceAllString(s, "…")
		}
	case *ast.BinaryExpr:
		return written(x.X) + written(x.Y)
	case *ast.CallExpr:
		if f, ok := x.Fun.(*ast.SelectorExpr); ok && f.Sel.Name == "Sprintf" && len(x.Args) > 0 {
			return written(x.Args[0])
		}
	}
	return "…"
}

// pairOf is where vi and en stand among the parameters or the results of a function.
func pairOf(list *ast.FieldList) (vi, en int) {
	vi, en = -1, -1
	if list == nil {
		return vi, en
	}
	n := 0
	for _, f := range list.List {
		for _, name := range f.Names {
			switch name.Name {
			case "vi":
				vi = n
			case "en":
				en = n
			}
			n++
		}
	}
	return vi, en
}

// helpers are the functions of a package that take a text in both languages.
func helpers(files []*ast.File) map[string][2]int {
	found := map[string][2]int{}
	for _, f := range files {
		ast.Inspect(f, func(n ast.Node) bool {
			switch x := n.(type) {
			case *ast.FuncDecl:
				if vi, en := pairOf(x.Type.Params); vi >= 0 && en >= 0 {
					found[x.Name.Name] = [2]int{vi, en}
				}
			case *ast.AssignStmt:
				if lit, ok := x.Rhs[0].(*ast.FuncLit); ok {
					if vi, en := pairOf(lit.Type.Params); vi >= 0 && en >= 0 {
						found[x.Lhs[0].(*ast.Ident).Name] = [2]int{vi, en}
					}
				}
			}
			return true
		})
	}
	return found
}

// texts are those of all refusals in the packages of a folder of source, and what
// functions with results vi and en return.
func texts(t *testing.T, root string) []said {
	t.Helper()
	set, folders := token.NewFileSet(), map[string][]*ast.File{}
	must(t, filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() && d.Name() == "node_modules" {
			return fs.SkipDir
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		f, err := parser.ParseFile(set, path, nil, parser.SkipObjectResolution)
		folders[filepath.Dir(path)] = append(folders[filepath.Dir(path)], f)
		return err
	}))
	var all []said
	for _, files := range folders {
		own := helpers(files)
		for _, f := range files {
			ast.Inspect(f, func(n ast.Node) bool {
				if f, ok := n.(*ast.FuncDecl); ok && f.Body != nil {
					all = append(all, returned(set, f)...)
				}
				c, ok := n.(*ast.CallExpr)
				if !ok {
					return true
				}
				place, found := [2]int{}, false
				switch fun := c.Fun.(type) {
				case *ast.SelectorExpr:
					if p, ok := fun.X.(*ast.Ident); ok && p.Name == "problem" && fun.Sel.Name == "New" {
						place, found = [2]int{3, 4}, true
					}
				case *ast.Ident:
					place, found = own[fun.Name]
				}
				if found && len(c.Args) > max(place[0], place[1]) {
					all = append(all, said{set.Position(c.Pos()).String(), written(c.Args[place[0]]), written(c.Args[place[1]]), true})
				}
				return true
			})
		}
	}
	return all
}

// returned are the pairs that a function with results vi and en returns.
func returned(set *token.FileSet, f *ast.FuncDecl) []said {
	vi, en := pairOf(f.Type.Results)
	if vi < 0 || en < 0 {
		return nil
	}
	var all []said
	ast.Inspect(f.Body, func(n ast.Node) bool {
		if r, ok := n.(*ast.ReturnStmt); ok && len(r.Results) > max(vi, en) {
			all = append(all, said{set.Position(r.Pos()).String(), written(r.Results[vi]), written(r.Results[en]), f.Name.Name == "checkUnit" || f.Name.Name == "Message"})
		}
		return true
	})
	return all
}

var (
	marked = regexp.MustCompile(`[àáảãạăằắẳẵặâầấẩẫậèéẻẽẹêềếểễệìíỉĩịòóỏõọôồốổỗộơờớởỡợùúủũụưừứửữựỳýỷỹỵđÀÁẢÃẠĂẰẮẲẴẶÂẦẤẨẪẬÈÉẺẼẸÊỀẾỂỄỆÌÍỈĨỊÒÓỎÕỌÔỒỐỔỖỘƠỜỚỞỠỢÙÚỦŨỤƯỪỨỬỮỰỲÝỶỸỴĐ]`)
	// names are of formats, programs and columns of files, which have no other.
	names = regexp.MustCompile(`\d+x\d+x\d+|loa-hub( \w+)+|mqtt\.broker|--config|\.request\.loa\.json|Content-Type|GeoJSON FeatureCollection|province, commune hoặc village|valid_from|thon-dong=1 thon-doai=0\.5|\b(x|USB|CSV|XLSX|JSON|UTF|MQTT|JPEG|PNG|WebP|https|MB|tar)\b|a-z`)
	// syllable is a syllable of Vietnamese that has no mark.
	syllable = regexp.MustCompile(`^(b|c|ch|d|g|gh|gi|h|k|kh|l|m|n|ng|ngh|nh|p|ph|q|qu|r|s|t|th|tr|v|x)?(a|e|i|o|u|y|ai|ao|au|ay|eo|ia|iu|oa|oe|oi|ua|ui|uy|uo|uya|oai|oay)(c|ch|m|n|ng|nh|p|t)?$`)
	word     = regexp.MustCompile(`\p{L}+`)
	// does is how a sentence says what is to be done, or what has to hold.
	does = regexp.MustCompile(`(?i)(^|[^\p{L}])(hãy|nên|phải|cần|tối đa|dài nhất|chỉ (gồm|nhận|phát))([^\p{L}]|$)|^…( |$)|…$`)
)

// Every refusal is said in both languages, with no word of the other one, and what is
// said in Vietnamese tells what to do: neither a code nor the bare fact.
func TestEveryRefusalIsInBothLanguagesAndSaysWhatToDo(t *testing.T) {
	all := texts(t, "..")
	if len(all) < 200 {
		t.Fatalf("only %d refusals found in the source", len(all))
	}
	for _, s := range all {
		if (s.vi == "…" || s.vi == "") && (s.en == "…" || s.en == "") {
			continue // a helper's own line: its callers are looked at
		}
		if !marked.MatchString(s.vi) && strings.Trim(s.vi, "… :%d") != "" {
			t.Errorf("%s: no Vietnamese: %q", s.at, s.vi)
		}
		if marked.MatchString(regexp.MustCompile(`“[^”]*”`).ReplaceAllString(s.en, "")) {
			t.Errorf("%s: Vietnamese among the English: %q", s.at, s.en)
		}
		for _, x := range word.FindAllString(names.ReplaceAllString(s.vi, " "), -1) {
			if !marked.MatchString(x) && !syllable.MatchString(strings.ToLower(x)) {
				t.Errorf("%s: %q is no Vietnamese, in %q", s.at, x, s.vi)
			}
		}
		if s.refusal && !does.MatchString(s.vi) {
			t.Errorf("%s: does not say what to do: %q", s.at, s.vi)
		}
	}
}
