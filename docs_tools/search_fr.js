/*
 * Added by docs_tools/search.py to the French file of the search index (lunr.fr.min.js).
 * Accents do not count, empty words are skipped, the words people use lead to ours, and a word
 * that no page has leads to the nearest that one has: « fature » to « facture ».
 */
;(function (lunr) {
  "use strict"

  // What people type → the words of our pages, without accents.
  var EVERYDAY_WORDS = {
    archiver: "disponibles archiver conservation",
    associe: "collaborateurs",
    boite: "boite messagerie",
    changer: "changer mettre jour",
    code: "code mot passe",
    collegue: "collegue collaborateurs",
    email: "mail",
    helpdesk: "contacter",
    id: "identifiant",
    indesirable: "spams indesirables",
    login: "identifiant",
    mdp: "mot passe oublie",
    modifier: "modifier mettre jour",
    pass: "passe",
    password: "mot passe oublie",
    pj: "piece jointe",
    pseudo: "identifiant",
    reset: "reinitialisation",
    salarie: "collaborateurs",
    smartphone: "telephone",
    spam: "spams indesirables",
    user: "utilisateur"
  }
  // Every word of the pages without accents, the frequent first; set when the site is built.
  var WORDS_OF_PAGES = "".split(" ")
  // Words that are no beginning of a longer one: the former portal is not this one.
  var WHOLE_WORDS = ["fact"]
  var EMPTY_WORDS = (
    "a ai arrive au aux avec ca ce ces cette comment d dans de des du e elle en est et etre faire " +
    "fait faut il ils j je l la le les leur lui m ma me mes moi mon n ne nos notre nous on ou par " +
    "pas peux plus pour pourquoi puis qu que quel quelle quels qui quoi s sa se ses si son sont " +
    "sur t tu un une veux vos votre vous y"
  ).split(" ")

  function fold(text) {
    return text.normalize("NFD").replace(/[\u0300-\u036f]/g, "").replace(/[’ʼ]/g, "'")
      .normalize("NFC")
  }

  // An ending is free (« identifiant* »), so the plural is left out: both are found.
  function singular(word) {
    return word.length > 4 ? word.replace(/[sx]$/, "") : word
  }

  function translate(word) {
    var known = [word, singular(word)].filter(function (form) {
      return Object.prototype.hasOwnProperty.call(EVERYDAY_WORDS, form)
    })
    return known.length ? EVERYDAY_WORDS[known[0]] : nearest(singular(word))
  }

  // What one hears: doubled letters, « ph », « ct » of « conection » and silent endings do not count.
  function sound(word) {
    return word.replace(/ph/g, "f").replace(/(ct|cc|ks)(?=ion)/g, "x").replace(/qu/g, "k")
      .replace(/c(?=[aou])/g, "k").replace(/y/g, "i").replace(/h/g, "").replace(/(.)\1+/g, "$1")
      .replace(/(er|ez|es|[estx])$/, "")
  }

  // Letters to add, leave out, change or exchange with their neighbour.
  function distance(a, b) {
    var before = [], last = [], row = []
    for (var j = 0; j <= b.length; j++) row[j] = j
    for (var i = 1; i <= a.length; i++) {
      before = last
      last = row
      row = [i]
      for (j = 1; j <= b.length; j++) {
        var isSame = a[i - 1] === b[j - 1]
        row[j] = Math.min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (isSame ? 0 : 1))
        if (a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) row[j] = Math.min(row[j], before[j - 2] + 1)
      }
    }
    return row[b.length]
  }

  function sharedStart(a, b) {
    var length = 0
    while (length < a.length && a[length] === b[length]) length++
    return length
  }

  // A word of the pages as it is; else the nearest by its sound, else one of its family.
  function nearest(word) {
    if (word.length < 4 || /[0-9]/.test(word)) return word
    if (WORDS_OF_PAGES.some(function (each) { return each.indexOf(word) === 0 })) return word
    var heard = sound(word), most = heard.length < 7 ? 1 : 2, best = word, start = 4
    WORDS_OF_PAGES.forEach(function (each) {
      if (Math.abs(each.length - word.length) > 3 || each[0] !== word[0]) return
      var apart = distance(heard, sound(each))
      if (apart < most + 1) {
        most = apart - 1
        best = each
      }
    })
    if (best !== word) return best
    WORDS_OF_PAGES.forEach(function (each) {
      var shared = sharedStart(each, word)
      if (shared > start && each.length < shared + 5) {
        start = shared
        best = each.slice(0, shared)
      }
    })
    return best
  }

  function withEnding(word) {
    return WHOLE_WORDS.indexOf(word) < 0 ? word + "*" : word
  }

  // « "mot de passe" » arrives as « +mot +de +passe »: an empty word is never found.
  function withoutEmpty(query) {
    return query.split(/\s+/).filter(function (word) {
      return EMPTY_WORDS.indexOf(word.replace(/^\+/, "")) < 0
    }).join(" ")
  }

  // The whole query arrives as « mdp* oublie* »; its parts came before, without wildcards.
  function rewrite(query) {
    var folded = fold(query).toLowerCase()
    if (/\s/.test(folded) && /(^|\s)\+/.test(folded)) return withoutEmpty(folded)
    if (folded.indexOf("*") < 0 || /(^|\s)[+-]|[~^:]/.test(folded)) return folded
    var words = folded.split(/[\s*-]+/).filter(Boolean)
    var meant = words.filter(function (word) { return EMPTY_WORDS.indexOf(word) < 0 })
    return (meant.length ? meant : words).map(translate).join(" ").split(" ")
      .map(withEnding).join(" ")
  }

  var foldToken = function (token) { return token.update(fold) }
  lunr.Pipeline.registerFunction(foldToken, "fold-fr")

  var french = lunr.fr
  lunr.fr = Object.assign(function () {
    french.apply(this, arguments)
    this.pipeline.add(foldToken)
    this.searchPipeline.add(foldToken)
  }, french)

  var Lexer = lunr.QueryLexer
  lunr.QueryLexer = Object.assign(function (query) { Lexer.call(this, rewrite(query)) }, Lexer)
  lunr.QueryLexer.prototype = Lexer.prototype
})(self.lunr)
