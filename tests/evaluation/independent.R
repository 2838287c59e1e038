# What R's own packages say of the same extract: base, survival and, where they are installed,
# geepack, sandwich and cmprsk. Prints a name and numbers a line, tabs between them.
#
#   cd EXTRACT && Rscript --vanilla independent.R

source("load.R")
suppressMessages(library(survival))
there <- function(name) {
  suppressMessages(suppressWarnings(require(name, character.only = TRUE, quietly = TRUE)))
}
say <- function(name, ...) cat(paste(c(name, sprintf("%.12g", c(...))), collapse = "\t"), "\n")
z <- qnorm(0.975)

# Orders with what happened to their person in the order's own window.
seen <- function(orders) {
  kept <- outcomes[outcomes$type %in% c("Arrest", "Breach") & outcomes$instrument %in%
                     "Domestic Violence Protection Order" & !is.na(outcomes$days_from_allocation), ]
  window <- orders$days_at_risk
  found <- t(sapply(seq_len(nrow(orders)), function(i) {
    mine <- kept[kept$person == orders$person[i], ]
    since <- mine$days_from_allocation - orders$days_from_randomisation[i]
    inside <- since >= 0 & since <= window[i]
    if (orders$days_from_randomisation[i] == 0) inside <- mine$within_order
    c(sum(inside), if (any(inside)) min(since[inside]) else NA)
  }))
  orders$n <- found[, 1]
  orders$event <- as.integer(orders$n > 0)
  orders$risk <- pmin(window, orders$days_followed)
  orders$at <- pmax(ifelse(is.na(found[, 2]), orders$risk, found[, 2]), 0)
  orders$treated <- as.integer(orders$arm == "Intervention")
  orders
}

allocated <- enrolments[enrolments$allocated, ]
p <- seen(allocated[!allocated[["repeat"]], ])
k <- c(sum(p$event[p$treated == 1]), sum(p$treated), sum(p$event[p$treated == 0]), sum(1 - p$treated))
wilson <- function(x, n) {
  as.numeric(suppressWarnings(prop.test(x, n, correct = FALSE))$conf.int)
}
say("wilson_intervention", wilson(k[1], k[2]))
say("wilson_control", wilson(k[3], k[4]))
say("fisher", fisher.test(matrix(c(k[1], k[2] - k[1], k[3], k[4] - k[3]), 2))$p.value)

strata <- table(factor(p$treated, c(1, 0)), factor(p$event, c(1, 0)), p$stratum)
mh <- mantelhaen.test(strata, correct = FALSE)
say("mantel_haenszel_odds_ratio", mh$estimate, mh$conf.int)
say("mantel_haenszel_p", mh$p.value)
p$male <- p$sex == "Male"
p$age <- factor(as.character(p$age_band))
fit <- glm(event ~ treated + stratum + age + male, binomial, p)
b <- coef(fit)["treated"]; s <- sqrt(vcov(fit)["treated", "treated"])
say("adjusted", exp(b + c(0, -z, z) * s))
say("adjusted_p", 2 * pnorm(-abs(b / s)))
interaction <- anova(glm(event ~ age + treated, binomial, p), glm(event ~ age * treated, binomial, p))
say("interaction_age", interaction$Deviance[2], pchisq(interaction$Deviance[2], interaction$Df[2],
                                                        lower.tail = FALSE))

if (there("geepack")) {
  every <- seen(allocated)
  every <- every[order(every$person), ]
  every$who <- as.integer(factor(every$person))
  g <- geeglm(event ~ treated, binomial, every, id = who, corstr = "independence")
  b <- coef(g)["treated"]; s <- summary(g)$coefficients["treated", "Std.err"]
  say("with_repeats", exp(b + c(0, -z, z) * s))
}

curves <- survfit(Surv(at, event) ~ treated, p)
for (arm in 0:1) {
  one <- summary(survfit(Surv(at, event) ~ 1, p[p$treated == arm, ], conf.type = "log-log"), times = 14)
  say(paste0("survival_14_", arm), one$surv, one$lower, one$upper)
}
rank <- survdiff(Surv(at, event) ~ treated, p)
say("log_rank", rank$chisq, pchisq(rank$chisq, 1, lower.tail = FALSE))
mean21 <- summary(curves, rmean = 21)$table
say("restricted_mean", mean21[2, "rmean"], mean21[1, "rmean"])
say("restricted_error", mean21[2, "se(rmean)"], mean21[1, "se(rmean)"])

if (there("cmprsk")) {
  ended <- pmax(p$days_to_end - p$days_to_allocation, 0)
  competes <- !is.na(ended) & p$end_reason %in% c("Quashed", "Deceased") & ended < p$at
  status <- ifelse(competes, 2, p$event)
  share <- timepoints(cuminc(ifelse(competes, ended, p$at), status, p$treated), 21)
  say("incidence_21", share$est["1 1", 1], share$est["0 1", 1])
  say("incidence_21_error", sqrt(share$var["1 1", 1]), sqrt(share$var["0 1", 1]))
}
if (there("sandwich")) {
  at_risk <- p[p$risk > 0, ]
  fit <- glm(n ~ treated, poisson, at_risk, offset = log(risk))
  b <- coef(fit)["treated"]; s <- sqrt(vcovHC(fit, type = "HC1")["treated", "treated"])
  say("rate_ratio", exp(b + c(0, -z, z) * s))
}

reached <- as.integer(p$delivered > 0)
share <- mean(reached[p$treated == 1])
inside <- function(effect) {  # Anderson and Rubin: the effects that a test does not reject
  rest <- p$event - effect * reached
  d <- mean(rest[p$treated == 1]) - mean(rest[p$treated == 0])
  v <- var(rest[p$treated == 1]) / k[2] + var(rest[p$treated == 0]) / k[4]
  d^2 / v - z^2
}
middle <- (k[1] / k[2] - k[3] / k[4]) / share
say("complier_interval", uniroot(inside, c(-1, middle))$root, uniroot(inside, c(middle, 1))$root)
