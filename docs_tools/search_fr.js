/*
 * Added by docs_tools/search.py to the French file of the search index (lunr.fr.min.js).
 * Accents do not count, empty words are skipped, and the words people use lead to ours.
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
    return known.length ? EVERYDAY_WORDS[known[0]] : singular(word)
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
